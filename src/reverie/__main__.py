"""``python -m reverie``: the command line, as `torchrun -m reverie` needs it."""

from reverie.cli.main import run

if __name__ == "__main__":
    run()
