"""DreamRec on its Zhihu files: everything behind ``docs/dreamrec.md``."""
