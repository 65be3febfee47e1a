"""Every flag of `bertkit pretrain` that is not one of fine-tuning too, and the spec that they make."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

from bertkit.errors import RequestError
from bertkit.objectives import OBJECTIVES, Objective
from bertkit.objectives.base import Architecture
from bertkit.objectives.denoise import Noise
from bertkit.pretraining import (
    Corpus,
    DocumentKind,
    Keep,
    PretrainSpec,
    Shape,
    Start,
    Vocabulary,
    VocabularyKind,
    budget_of,
    shape_of,
)
from bertkit.request.objective_flags import (
    OBJECTIVE,
    MaskingUnitFlag,
    MaskReplacementFlag,
    MlmProbabilityFlag,
    NoiseRatioFlag,
)
from bertkit.request.option import DATA, OUTPUT, TRAINING, Option
from bertkit.request.training_flags import (
    DeviceFlag,
    EvalEveryFlag,
    FastDropoutFlag,
    GradientAccumulationFlag,
    LearningRateFlag,
    MaxGradNormFlag,
    PrecisionFlag,
    ProcessesFlag,
    SeedFlag,
    WarmupFlag,
    WeightDecayFlag,
)

MODEL = "Vocabulary and model"
"""A panel of --help."""

ObjectiveName = Literal["mlm", "mlm+nsp", "mlm+sop", "causal", "denoise"]
PAIR_OBJECTIVES: tuple[ObjectiveName, ObjectiveName] = ("mlm+nsp", "mlm+sop")
"""The objectives that nsp-vs-sop compares."""
ARCHITECTURES: dict[str, Architecture] = {"causal": "gpt2", "denoise": "bart"}
"""The architecture that an objective has by default, where it is not BERT."""


WARMUPS = {"bert": 0.01, "fast": 0.4}
"""The share of the updates in which the learning rate rises, for each start: BERT's own, and one long enough for
the heads that look at neighbours to survive it."""


@dataclass(frozen=True, kw_only=True)
class CorpusFlags:
    """The flags of what is read."""

    documents: Annotated[
        DocumentKind,
        Option(
            "--documents", DATA, "What one document is; auto is a row, a book of Project Gutenberg, else blank lines."
        ),
    ] = "auto"
    text_column: Annotated[
        str | None, Option("--text-column", DATA, "Column of the text in JSON Lines and Parquet files.")
    ] = None
    encoding: Annotated[str | None, Option("--encoding", DATA, "Encoding of text files. [default: utf-8]")] = None
    subset: Annotated[str | None, Option("--subset", DATA, "Subset (config) of a data set on the Hub.")] = None
    split: Annotated[str, Option("--split", DATA, "Split of a data set on the Hub.")] = "train"
    held_out: Annotated[
        str,
        Option("--held-out", DATA, "Share of the text (1%, 0.01) or files (a,b) that are never trained on; 0 is none."),
    ] = "1%"

    def corpus(self, paths: list[str]) -> Corpus:
        """The corpus of these flags. Raises RequestError."""
        share, files = held_out_of(self.held_out)
        return Corpus(
            paths=tuple(paths), documents=self.documents, column=self.text_column, encoding=self.encoding,
            subset=self.subset, split=self.split, held_out=share, held_out_files=files,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ModelFlags:
    """The flags of the vocabulary and of the model."""

    vocabulary: Annotated[
        VocabularyKind | None,
        Option("--vocabulary", MODEL, "Kind of vocabulary. [default: as the architecture was published]"),
    ] = None
    vocab_size: Annotated[
        int | None,
        Option("--vocab-size", MODEL, "Tokens of the vocabulary; of characters at most so many. [default: 8192]"),
    ] = None
    cased: Annotated[bool, Option("--cased", MODEL, "Keep upper and lower case apart; bpe and unigram do.")] = False
    tokenizer: Annotated[
        str | None, Option("--tokenizer", MODEL, "Use the tokenizer of this model (a Hub id, a folder, 'sample').")
    ] = None
    architecture: Annotated[
        Architecture | None,
        Option("--architecture", MODEL, "Whose model it is. [default: bert; causal: gpt2; denoise: bart]"),
    ] = None
    shape: Annotated[
        str,
        Option(
            "--shape", MODEL, "tiny, mini, small, medium, base, large, or layers/hidden size/heads such as 4/256/4."
        ),
    ] = "tiny"
    max_length: Annotated[
        int, Option("--max-length --max-seq-length", MODEL, "Tokens of a row, special ones counted.")
    ] = 128
    start: Annotated[
        Start, Option("--start", MODEL, "How weights begin: as BERT's were published, or so that loss falls at once.")
    ] = "fast"

    @property
    def made_vocabulary(self) -> Vocabulary:
        """The vocabulary of these flags. Raises RequestError for flags that do not go together."""
        if self.tokenizer is None:
            made = Vocabulary(kind=self.vocabulary, cased=self.cased)
            return made if self.vocab_size is None else replace(made, size=self.vocab_size)
        given = {"--vocabulary": self.vocabulary, "--vocab-size": self.vocab_size, "--cased": self.cased or None}
        other = next((flag for flag, value in given.items() if value is not None), None)
        if other:
            raise RequestError(f"{other}: --tokenizer {self.tokenizer} has a vocabulary: give one of them")
        return Vocabulary(tokenizer=self.tokenizer)


@dataclass(frozen=True, kw_only=True)
class MaskingFlags:
    """The flags of what is masked; None is the objective's default."""

    mlm_probability: MlmProbabilityFlag = None
    masking: MaskingUnitFlag = None
    mask_replacement: MaskReplacementFlag = None
    static_masking: Annotated[
        bool, Option("--static-masking", OBJECTIVE, "Mask a row alike in every epoch, as BERT did.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class ObjectiveFlags(MaskingFlags):
    """The flags of the objective; None is its default, and those of another objective are refused."""

    objective: Annotated[ObjectiveName, Option("--objective", OBJECTIVE, "What is predicted.")] = "mlm"
    noise: Annotated[
        Noise | None, Option("--noise", OBJECTIVE, "How denoise corrupts a text. [default: bart; t5 for T5]")
    ] = None
    noise_ratio: NoiseRatioFlag = None

    def made(self, architecture: str | None) -> Objective:
        """The objective of these flags. Raises RequestError for a flag that is another's."""
        masked = {
            "--mlm-probability": ("probability", self.mlm_probability),
            "--masking": ("unit", self.masking),
            "--mask-replacement": ("replacement", self.mask_replacement),
            "--static-masking": ("static", self.static_masking or None),
        }
        noise = self.noise or ("t5" if architecture == "t5" and self.objective == "denoise" else None)
        noisy = {"--noise": ("noise", noise), "--noise-ratio": ("ratio", self.noise_ratio)}
        own = masked if self.objective.startswith("mlm") else noisy if self.objective == "denoise" else {}
        for flag, (_, value) in {**masked, **noisy}.items():
            if value is not None and flag not in own:
                raise RequestError(f"{flag} does not apply to --objective {self.objective}")
        given = {name: value for name, value in own.values() if value is not None}
        return OBJECTIVES[self.objective](**given)


@dataclass(frozen=True, kw_only=True)
class LoopFlags:
    """The flags of training, of what is kept, and of what computes."""

    budget: Annotated[
        str, Option("--budget", TRAINING, "How long it trains: a time, tokens or steps (10m, 2h, 50Mtok, 20kstep).")
    ] = "10m"
    batch_size: Annotated[
        int | None, Option("--batch-size -b", TRAINING, "Rows per batch over all processes. [default: 16]")
    ] = None
    gradient_accumulation: GradientAccumulationFlag = None
    learning_rate: LearningRateFlag = None
    warmup: WarmupFlag = None
    weight_decay: WeightDecayFlag = None
    max_grad_norm: MaxGradNormFlag = None
    dropout: Annotated[float | None, Option("--dropout", TRAINING, "Dropout in pretraining. [default: 0]")] = None
    eval_every: EvalEveryFlag = None
    seed: SeedFlag = 42
    keep: Annotated[
        Keep, Option("--keep", OUTPUT, "Keep models on the way, at steps spaced by the root of 2, for `embryology`.")
    ] = "none"
    device: DeviceFlag = "auto"
    precision: PrecisionFlag = "auto"
    fast_dropout: FastDropoutFlag = True
    processes: ProcessesFlag = 1


@dataclass(frozen=True, kw_only=True)
class PretrainFlags(LoopFlags, ModelFlags, ObjectiveFlags, CorpusFlags):
    """The flags that decide a pretraining run's result, as given."""

    def spec(self, paths: list[str]) -> PretrainSpec:
        """The spec for pretraining on these paths, checked. Raises RequestError."""
        architecture = self.architecture or ("t5" if self.noise == "t5" else ARCHITECTURES.get(self.objective, "bert"))
        given: dict[str, Any] = {
            field.name: getattr(self, field.name)
            for field in fields(PretrainSpec)
            if getattr(self, field.name, None) is not None
        }
        rate = self.learning_rate
        given["learning_rate"] = rate_of(self.start, shape_of(self.shape)) if rate is None else rate
        given["warmup"] = WARMUPS[self.start] if self.warmup is None else self.warmup
        given |= {
            "corpus": self.corpus(paths),
            "objective": self.made(architecture),
            "budget": budget_of(self.budget),
            "vocabulary": self.made_vocabulary,
            "shape": shape_of(self.shape),
            "architecture": architecture,
        }
        return PretrainSpec(**given)


@dataclass(frozen=True, kw_only=True)
class PairFlags(LoopFlags, ModelFlags, MaskingFlags, CorpusFlags):
    """The flags of pretraining but for the objective, of which there are two."""

    def specs(self, paths: list[str], seeds: int) -> tuple[PretrainSpec, PretrainSpec]:
        """The specs for pretraining with mlm+nsp and mlm+sop on these paths. Raises RequestError."""
        if seeds < 1:
            raise RequestError(f"--seeds {seeds}: it must be at least 1")
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        first, second = (PretrainFlags(**given, objective=name).spec(paths) for name in PAIR_OBJECTIVES)
        replace(first, seed=first.seed + seeds - 1)  # checks it
        if not first.corpus.held_out and not first.corpus.held_out_files:
            raise RequestError(
                f"--held-out {self.held_out}: nsp-vs-sop tells pairs of held-out text apart: give a share, or files"
            )
        return first, second


def rate_of(start: Start, shape: Shape) -> float:
    """The learning rate that a start has by default: BERT's own (Devlin et al. 2019, appendix A.2), or 2e-3 for a
    hidden size of 128 and less for wider models, by the square root.
    """
    return 1e-4 if start == "bert" else 2e-3 * (128 / shape.hidden) ** 0.5


def held_out_of(typed: str) -> tuple[float, tuple[str, ...]]:
    """The share, or the files, of "1%", "0.01" or "a.txt,b.txt". Raises RequestError."""
    number = typed.strip()
    try:
        share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        files = tuple(filter(None, (name.strip() for name in typed.split(","))))
        if not files:
            raise RequestError("--held-out '': give a share of the text, such as 1%, or files") from None
        return 0.0, files
    return share, ()
