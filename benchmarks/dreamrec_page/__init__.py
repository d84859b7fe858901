"""DreamRec on its Zhihu files: everything behind ``docs/results/dreamrec.md``."""
