"""The tasks that come with bertkit, a pack like any other."""

from .acceptability import COLA
from .choice import CHOICE
from .glue_server import GLUE
from .multilingual import LANGUAGES, MULTILINGUAL
from .nli import MNLI, QNLI, RTE, STANCE, WNLI
from .pos import TREEBANKS
from .published_models import MODELS, REFERENCES
from .published_transfer import TRANSFERS
from .qa import SQUAD, SQUAD_V2
from .sentiment import SST2
from .sequences import PROMOTERS, SPLICE
from .similarity import MRPC, QQP, STSB

TASKS = (
    COLA,
    SST2,
    MRPC,
    STSB,
    QQP,
    MNLI,
    QNLI,
    RTE,
    WNLI,
    *TREEBANKS,
    SQUAD,
    SQUAD_V2,
    STANCE,
    SPLICE,
    PROMOTERS,
    *CHOICE,
    *MULTILINGUAL,
)
SUITES = (GLUE,)

__all__ = ["LANGUAGES", "MODELS", "REFERENCES", "SUITES", "TASKS", "TRANSFERS"]
