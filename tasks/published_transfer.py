"""Published scores of models that were fine-tuned in one language and scored in others."""

from bertkit.task import PublishedTransfer

XQUAD_SOURCE = "github.com/google-deepmind/xquad, trained on SQuAD 1.1, by SQuAD's plain rule in every language"
XQUAD_LANGUAGES = ("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh", "ro")

XNLI_SOURCE = "github.com/microsoft/unilm, minilm/README.md: XNLI's test, trained on MNLI"
XNLI_LANGUAGES = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur")
XNLI_MBERT = (
    *(0.821, 0.738, 0.743, 0.711, 0.664, 0.689, 0.690, 0.616),
    *(0.649, 0.695, 0.558, 0.693, 0.600, 0.504, 0.580),
)


def _xquad(name: str, f1: tuple[float, ...], em: tuple[float, ...]) -> PublishedTransfer:
    """A model's rows of XQuAD's README, in the order of its columns."""
    scores = {
        (f"xquad.{language}", "test", metric): round(percent / 100, 4)
        for metric, row in (("squad_v1_f1", f1), ("squad_v1_em", em))
        for language, percent in zip(XQUAD_LANGUAGES, row, strict=True)
    }
    return PublishedTransfer(name=name, train="squad", source=XQUAD_SOURCE, scores=scores)


TRANSFERS = (
    _xquad(
        "mBERT",
        (83.5, 61.5, 70.6, 62.6, 75.5, 59.2, 71.3, 42.7, 55.4, 69.5, 58.0, 72.7),
        (72.2, 45.1, 54.0, 44.9, 56.9, 46.0, 53.3, 33.5, 40.1, 49.6, 48.3, 59.9),
    ),
    PublishedTransfer(
        name="mBERT",
        train="squad",
        source="Hsu et al. 2019 (D19-1607): DRCD's test; its rule of F1 is not stated",
        scores={("drcd", "test", "squad_chars_f1"): 0.7882, ("drcd", "test", "squad_chars_em"): 0.6331},
    ),
    PublishedTransfer(
        name="mBERT",
        train="mnli",
        source=XNLI_SOURCE,
        scores={
            (f"xnli.{language}", "test", "accuracy"): percent
            for language, percent in zip(XNLI_LANGUAGES, XNLI_MBERT, strict=True)
        },
    ),
)
