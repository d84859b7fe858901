"""The conformance kit: laws every recommender keeps, for ours and for those of other packages.

Examples
--------
In a test file of your own package, which registers a model under the entry-point group ``reverie.models``::

    import pytest
    from reverie.testing import CHECKS, check_recommender

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_model(check, tmp_path):
        check_recommender("my-model", check, folder=tmp_path)
"""

from reverie.testing.checks import CHECKS, check_recommender
from reverie.testing.data import tiny_dataset, tiny_split

__all__ = ["CHECKS", "check_recommender", "tiny_dataset", "tiny_split"]
