"""What metrics are called where people read them. Light."""

from __future__ import annotations

METRIC_TITLES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "f1_macro": "macro F1",
    "multilabel_f1_micro": "micro F1",
    "multilabel_f1_macro": "macro F1",
    "multilabel_exact": "exact label sets",
    "f1a": "F1a",
    "all_answers": "EM",
    "matthews": "Matthews corr.",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "r2": "R²",
    "tag_accuracy": "accuracy of words",
    "entity_f1": "entity F1",
    "entity_f1_strict": "entity F1, strict",
    "squad_em": "EM",
    "squad_f1": "F1",
    "squad_v1_em": "EM",
    "squad_v1_f1": "F1",
    "squad_chars_em": "EM by characters",
    "squad_chars_f1": "F1 by characters",
}
