"""The study of whether concepts are recognised: conditions and controls, judges, rounds of feedback, and people."""
