"""Registry of named datasets: their files, licences, citations and notes."""

from __future__ import annotations

from reverie.data.sources import attacked, cf, collm, llara, movielens, sequence_files
from reverie.data.sources.entry import Local, Remote, SourceEntry
from reverie.data.sources.sequence_files import FILES as ZHIHU_FILES
from reverie.data.sources.sequence_files import zhihu

_GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
_ML_1M_FILES = {name: f"{_GROUPLENS}ml-1m.zip!ml-1m/{name}" for name in ("ratings.dat", "movies.dat")}
_RECBOLE = "pypi:recbole==1.2.1!recbole/dataset_example/ml-100k/"
_TWEETINGS = "https://raw.githubusercontent.com/sidooms/MovieTweetings/master/snapshots/100K/"
_S3REC = "https://raw.githubusercontent.com/RUCAIBox/CIKM2020-S3Rec/master/data/"
_MUSER = "https://raw.githubusercontent.com/muhhpu/MUSER/HEAD/data/microlens/"
_LIGHTGCN = "https://raw.githubusercontent.com/gusye1234/LightGCN-PyTorch/master/data/"
_BSL = "https://raw.githubusercontent.com/junkangwu/BSL/68c923bd98f87a18ec7612c6b503168f2e8412f5/data/"
_ADAP_TAU = "https://raw.githubusercontent.com/junkangwu/Adap_tau/9328cf6681351a5bafa5be47b1d812092855a778/data/"

_MOVIELENS_TERMS = "GroupLens: research use; no redistribution and no commercial use without permission"
_MOVIELENS_CITATION = (
    "F. M. Harper, J. A. Konstan. The MovieLens Datasets: History and Context. ACM TiiS 5(4), 2015. doi:10.1145/2827872"
)
_S3REC_CITATION = "K. Zhou et al. S3-Rec: Self-Supervised Learning for Sequential Recommendation. CIKM 2020"
_AMAZON_CITATION = (
    f"J. McAuley et al. Image-based Recommendations on Styles and Substitutes. SIGIR 2015; prepared by {_S3REC_CITATION}"
)
_NO_TERMS = "none stated upstream; treat as research use only"
_HETREC = "I. Cantador, P. Brusilovsky, T. Kuflik. HetRec 2011"
_LIGHTGCN_CITATION = "X. He et al. LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation. SIGIR 2020"
_ATTACK_DATA = "https://raw.githubusercontent.com/XMUDM/ShillingAttack/master/data/"
_CF_NOTES = (
    "comes split into train and test, over the same users; there are no times, no order and no titles",
    "there is no validation part: by default a tenth of the training events is drawn for it",
)


def _s3rec(
    name: str, file: str, summary: str, counts: tuple[int, int, int], citation: str, titles: str | None, text: str | None = None
) -> SourceEntry:
    layout = sequence_files.s3rec(file, titles, text)
    files = (f"{file}.txt", *(extra for extra in (titles, text) if extra is not None))
    return SourceEntry(
        name=name,
        summary=summary,
        counts=counts,
        licence=_NO_TERMS,
        citation=citation,
        homepage="https://github.com/RUCAIBox/CIKM2020-S3Rec",
        protocol="leave_one_out",
        mirrors=(
            Local("amazon-s3rec", files, layout),
            Remote("publisher", {f"{file}.txt": f"{_S3REC}{file}.txt"}, layout),
        ),
        notes=("events are ordered by the source; there are no times and no ratings", "5-core"),
    )


def _shilling(prefix: str) -> tuple[Local | Remote, ...]:
    files, layout = (f"{prefix}_train.dat", f"{prefix}_test.dat"), attacked.shilling(prefix)
    publisher = {name: f"{_ATTACK_DATA}{prefix}/{name}" for name in files}
    return (Local(f"shilling/{prefix}", files, layout), Remote("publisher", publisher, layout))


_ALL = (
    SourceEntry(
        name="ml-100k",
        summary="MovieLens-100K: films rated from 1 to 5, 1997-1998",
        counts=(943, 1682, 100_000),
        licence=_MOVIELENS_TERMS,
        citation=_MOVIELENS_CITATION,
        homepage="https://grouplens.org/datasets/movielens/100k/",
        protocol="leave_one_out",
        mirrors=(
            Local("ml-100k", ("ml-100k.inter", "ml-100k.item"), movielens.atomic_100k),
            Remote(
                "publisher",
                {"u.data": f"{_GROUPLENS}ml-100k.zip!ml-100k/u.data", "u.item": f"{_GROUPLENS}ml-100k.zip!ml-100k/u.item"},
                movielens.publisher_100k,
            ),
            Remote(
                "pypi",
                {"ml-100k.inter": f"{_RECBOLE}ml-100k.inter", "ml-100k.item": f"{_RECBOLE}ml-100k.item"},
                movielens.atomic_100k,
                {
                    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
                    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
                },
            ),
        ),
    ),
    SourceEntry(
        name="ml-1m",
        summary="MovieLens-1M: films, 2000-2003",
        counts=(6040, 3706, 1_000_209),
        licence=_MOVIELENS_TERMS,
        citation=_MOVIELENS_CITATION,
        homepage="https://grouplens.org/datasets/movielens/1m/",
        protocol="leave_one_out",
        mirrors=(
            Local("ml-1m", ("ml-1m.sequences.txt", "movies.dat"), movielens.sequences_1m),
            Remote(
                "publisher",
                _ML_1M_FILES,
                movielens.publisher_1m,
                notes=("this copy has ratings and times, the local copy has the order only: their SHA-256 differ",),
            ),
        ),
    ),
    SourceEntry(
        name="collm-ml-1m",
        summary="MovieLens-1M from June 2001 to January 2003 with labels (4 stars or more), split by time as for CoLLM",
        counts=(838, 3255, 51_623),
        licence=_MOVIELENS_TERMS,
        citation=f"{_MOVIELENS_CITATION}; prepared by Y. Zhang et al. CoLLM. TKDE 37(5), 2025. arXiv:2310.19488",
        homepage="https://github.com/zyang1580/CoLLM",
        protocol="given",
        mirrors=(
            Local("collm-ml-1m", (*collm.FILES.values(), collm.TITLES), collm.read_prepared),
            Remote(
                "publisher",
                _ML_1M_FILES,
                collm.from_ratings,
                notes=("prepared here from the publisher's ratings, with the publisher's ids: the SHA-256 differs",),
            ),
        ),
        notes=(
            "33,891 training rows (ten months), 10,401 validation and 7,331 test rows (five months each)",
            "rows of one moment keep the order of the files; about half of all rows share their moment with another of the user",
        ),
    ),
    SourceEntry(
        name="ml-latest-small",
        summary="MovieLens latest-small: films rated from 0.5 to 5, edition of October 2016",
        counts=(671, 9066, 100_004),
        licence="GroupLens: research use; redistribution under the same terms; no commercial use without permission",
        citation=_MOVIELENS_CITATION,
        homepage="https://grouplens.org/datasets/movielens/latest/",
        protocol="leave_one_out",
        mirrors=(
            Local("ml-latest-small-2016", ("ratings.csv", "movies.csv"), movielens.csv_small),
            Remote(
                "publisher",
                {name: f"{_GROUPLENS}ml-latest-small.zip!ml-latest-small/{name}" for name in ("ratings.csv", "movies.csv")},
                movielens.csv_small,
                notes=("the publisher's present edition, which is not that of October 2016: its counts and SHA-256 differ",),
            ),
        ),
        notes=("a development set: GroupLens advises against it for results that are shared",),
    ),
    SourceEntry(
        name="movietweetings",
        summary="MovieTweetings 100K: films rated from 0 to 10 on Twitter, 2013",
        counts=(16_554, 10_506, 100_000),
        licence="MIT",
        citation="S. Dooms, T. De Pessemier, L. Martens. MovieTweetings: a Movie Rating Dataset from Twitter. CrowdRec 2013",
        homepage="https://github.com/sidooms/MovieTweetings",
        protocol="temporal",
        mirrors=(
            Local("movietweetings-100k", ("ratings.dat", "movies.dat"), movielens.movietweetings),
            Remote("publisher", {name: f"{_TWEETINGS}{name}" for name in ("ratings.dat", "movies.dat")}, movielens.movietweetings),
        ),
        notes=("item ids are IMDb's, as text with their leading zeros", "most users have fewer than 5 events"),
    ),
    _s3rec(
        "amazon-beauty",
        "Beauty",
        "Amazon reviews 2014, Beauty",
        (22_363, 12_101, 198_502),
        _AMAZON_CITATION,
        "Beauty.item_titles.tsv",
    ),
    _s3rec(
        "amazon-sports",
        "Sports_and_Outdoors",
        "Amazon reviews 2014, Sports and Outdoors",
        (35_598, 18_357, 296_337),
        _AMAZON_CITATION,
        None,
        "Sports_and_Outdoors.item_text.tsv",
    ),
    _s3rec(
        "amazon-toys",
        "Toys_and_Games",
        "Amazon reviews 2014, Toys and Games",
        (19_412, 11_924, 167_597),
        _AMAZON_CITATION,
        "Toys_and_Games.item_titles.tsv",
    ),
    _s3rec(
        "yelp-s3rec",
        "Yelp",
        "Yelp reviews of businesses",
        (30_431, 20_033, 316_354),
        f"Yelp Open Dataset; prepared by {_S3REC_CITATION}",
        "Yelp.item_titles.tsv",
    ),
    SourceEntry(
        name="steam",
        summary="Steam-200k: games bought",
        counts=(12_393, 5_155, 129_511),
        licence=_NO_TERMS,
        citation="Kaggle, tamber/steam-video-games; prepared by caserec/Datasets-for-Recommender-Systems",
        homepage="https://github.com/caserec/Datasets-for-Recommender-Systems",
        protocol="by_user",
        mirrors=(Local("steam-200k", ("game_purchase.dat", "item_info.dat"), sequence_files.steam),),
        notes=(
            "purchases have neither times nor an order, so no game can be called the next one",
            "1,414 rows share their user and game with another row, as upstream",
        ),
    ),
    SourceEntry(
        name="zhihu",
        summary="Zhihu sessions as published with DreamRec, split by time into 8:1:1",
        counts=(11_714, 4_838, 77_712),
        licence="MIT (repository baiyimeng/DreamRec)",
        citation="Z. Yang et al. Generate What You Prefer: Reshaping Sequential Recommendation via Guided Diffusion. NeurIPS 2023",
        homepage="https://github.com/baiyimeng/DreamRec",
        protocol="given",
        mirrors=(Local("dreamrec-zhihu", tuple(ZHIHU_FILES.values()), zhihu),),
        notes=(
            "rebuilt from one row a prefix: 9,371 train, 1,171 valid and 1,172 test sequences; a user is a sequence",
            "there are no times and no titles",
        ),
    ),
    SourceEntry(
        name="lastfm-llara",
        summary="Last.fm artists with their names, in order, as published with LLaRA: users split into 8:1:1",
        counts=(1_220, 4_606, 52_925),
        licence="HetRec 2011: non-commercial use",
        citation=f"{_HETREC}; prepared by J. Liao et al. LLaRA. SIGIR 2024. arXiv:2312.02445",
        homepage="https://huggingface.co/datasets/zhangt766/LLaRA_Lastfm",
        protocol="given",
        mirrors=(Local("llara/lastfm", (*llara.FILES.values(), llara.NAMES), llara.lastfm),),
        notes=(
            "976 training users whole; 122 validation and 122 test users with one history of at most ten artists and the next one",
            "events are ordered by the source; there are no times and no play counts",
        ),
    ),
    SourceEntry(
        name="microlens-50k",
        summary="MicroLens-50k: short videos",
        counts=(50_000, 19_220, 359_708),
        licence=_NO_TERMS,
        citation="Y. Ni et al. A Content-Driven Micro-Video Recommendation Dataset at Scale. arXiv:2309.15379",
        homepage="https://github.com/westlake-repl/MicroLens",
        protocol="leave_one_out",
        mirrors=(
            Local("microlens-50k", ("MicroLens-50k_pairs.tsv", "MicroLens-50k_titles.csv"), sequence_files.microlens),
            Remote("publisher", {"MicroLens-50k_pairs.tsv": f"{_MUSER}MicroLens-50k_pairs.tsv"}, sequence_files.microlens),
        ),
        notes=("events are ordered by the source; there are no times", "titles are in English"),
    ),
    SourceEntry(
        name="retailrocket",
        summary="Retailrocket: views, carts and purchases of an online shop, 2015",
        counts=(2_174, 29_905, 97_381),
        licence="Apache-2.0 (repository HKUDS/SSLRec); for the data none stated, treat as research use only",
        citation="Retailrocket recommender system dataset (Kaggle); prepared by X. Ren et al. SSLRec. WSDM 2024",
        homepage="https://github.com/HKUDS/SSLRec",
        protocol="temporal",
        mirrors=(Local("retailrocket-mb", ("train_events.parquet",), sequence_files.retailrocket),),
        notes=(
            "only the events that carry times are here: 75,374 views, 12,456 carts, 9,551 purchases, one time for each"
            " user, item and kind",
            "the 2,174 held-out purchases published beside them have no times and are left out; there are no titles",
        ),
    ),
    SourceEntry(
        name="cf-gowalla",
        summary="Gowalla check-ins, with the split of NGCF and LightGCN",
        counts=(29_858, 40_981, 1_027_370),
        licence=_NO_TERMS,
        citation=f"E. Cho, S. A. Myers, J. Leskovec. Friendship and Mobility. KDD 2011; prepared by {_LIGHTGCN_CITATION}",
        homepage="https://github.com/gusye1234/LightGCN-PyTorch",
        protocol="given",
        mirrors=(
            Local("cf-gowalla", tuple(cf.LINES.values()), cf.lines),
            Remote(
                "publisher",
                {name: f"{_LIGHTGCN}gowalla/{name}" for name in cf.LINES.values()},
                cf.lines,
                notes=("the items of a user may stand in another order than in the local copy: then the SHA-256 differ",),
            ),
        ),
        notes=("810,128 training and 217,242 test events", *_CF_NOTES),
    ),
    SourceEntry(
        name="cf-yelp2018",
        summary="Yelp reviews of the 2018 challenge, with the split of NGCF and LightGCN",
        counts=(31_668, 38_048, 1_561_406),
        licence=_NO_TERMS,
        citation=f"Yelp Dataset Challenge 2018; prepared by {_LIGHTGCN_CITATION}",
        homepage="https://github.com/junkangwu/BSL",
        protocol="given",
        mirrors=(
            Local("cf-yelp2018", ("yelp2018.tar.gz",), cf.archived_lines("yelp2018.tar.gz", "yelp2018")),
            Remote(
                "publisher",
                {"yelp2018.tar.gz": f"{_BSL}yelp2018.tar.gz"},
                cf.archived_lines("yelp2018.tar.gz", "yelp2018"),
                {"yelp2018.tar.gz": "0ec97fc6fda2c8029af974c38edff7fa7fb36e246d196133b7ec8c376a6fad83"},
            ),
        ),
        notes=("1,237,259 training and 324,147 test events", *_CF_NOTES),
    ),
    SourceEntry(
        name="cf-ml-1m",
        summary="MovieLens-1M with the split of Adap-tau and BSL",
        counts=(6_022, 3_043, 895_699),
        licence=_MOVIELENS_TERMS,
        citation=f"{_MOVIELENS_CITATION}; prepared by J. Chen et al. Adap-τ. WWW 2023",
        homepage="https://github.com/junkangwu/Adap_tau",
        protocol="given",
        mirrors=(
            Local("cf-ml-1m-adaptau", ("ml_dataset.tar.gz",), cf.archived_lines("ml_dataset.tar.gz", "ml_data")),
            Remote(
                "publisher",
                {"ml_dataset.tar.gz": f"{_ADAP_TAU}ml_dataset.tar.gz"},
                cf.archived_lines("ml_dataset.tar.gz", "ml_data"),
                {"ml_dataset.tar.gz": "b5e4785bbd13682f0224566c6824946d17ca7045917f66c5ce43ad41a2897e2b"},
            ),
        ),
        notes=("796,244 training and 99,455 test events", *_CF_NOTES),
    ),
    SourceEntry(
        name="cf-lastfm",
        summary="Last.fm artists, with the split of LightGCN's repository",
        counts=(1_880, 4_489, 52_668),
        licence="HetRec 2011: non-commercial use",
        citation=f"{_HETREC}; prepared by {_LIGHTGCN_CITATION}",
        homepage="https://github.com/gusye1234/LightGCN-PyTorch",
        protocol="given",
        mirrors=(
            Local("cf-lastfm-lightgcn", tuple(cf.PAIRS.values()), cf.pairs),
            Remote(
                "publisher",
                {name: f"{_LIGHTGCN}lastfm/{name}" for name in cf.PAIRS.values()},
                cf.pairs,
                {
                    "data1.txt": "c82af3228cbbda2f55a39244de09ed93292894f1d0d9f1908ebb57e27598fded",
                    "test1.txt": "de4417c0e6123284ce59a0934bcf5288ec1ec8774a18a1eef453c9952dfa48f9",
                },
            ),
        ),
        notes=("42,135 training and 10,533 test events", *_CF_NOTES),
    ),
    SourceEntry(
        name="recad-game",
        summary="Amazon video games with ratings, with the split of RecAD",
        counts=(3_179, 5_527, 44_640),
        licence=_NO_TERMS,
        citation="C. Wang et al. RecAD: Towards A Unified Library for Recommender Attack and Defense. RecSys 2023",
        homepage="https://github.com/gusye1234/recad",
        protocol="given",
        mirrors=(Local("recad-game", tuple(f"game_{part}.csv" for part in ("train", "valid", "test")), attacked.recad("game")),),
        notes=("39,634 training, 1,807 validation and 3,199 test ratings from 1 to 5", "there are no titles"),
    ),
    SourceEntry(
        name="filmtrust",
        summary="FilmTrust ratings of films, with the split of AUSH and Leg-UP",
        counts=(780, 721, 28_796),
        licence=_NO_TERMS,
        citation="C. Lin et al. Attacking Recommender Systems with Augmented User Profiles. CIKM 2020",
        homepage="https://github.com/XMUDM/ShillingAttack",
        protocol="given",
        mirrors=_shilling("filmTrust"),
        notes=(
            "whole ratings from 1 to 5; no times, no order, no titles",
            "one pair stands in both files upstream and is taken as training",
        ),
    ),
    SourceEntry(
        name="automotive",
        summary="Amazon Automotive ratings, with the split of AUSH and Leg-UP",
        counts=(2_928, 1_835, 20_473),
        licence=_NO_TERMS,
        citation="C. Lin et al. Attacking Recommender Systems with Augmented User Profiles. CIKM 2020",
        homepage="https://github.com/XMUDM/ShillingAttack",
        protocol="given",
        mirrors=_shilling("automotive"),
        notes=("whole ratings from 1 to 5; no times, no order, no titles",),
    ),
)

ENTRIES: dict[str, SourceEntry] = {entry.name: entry for entry in _ALL}
"""By name."""
