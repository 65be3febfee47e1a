"""Published models from ELMo to ModernBERT: year, parameters, data, objective and GLUE score, each with its source."""

from typing import Any

from bertkit.published import Cited, Counted, Glue, PublishedModel, Reference

COPY = "read in a copy of its text"
NOTES = "read in notes that quote it"

REFERENCES = (
    Reference(key="elmo", title="Peters et al. 2018, Deep contextualized word representations",
              url="https://arxiv.org/abs/1802.05365", copy=COPY),
    Reference(key="allennlp", title="AllenNLP, ELMo", url="https://allennlp.org/elmo", copy=COPY),
    Reference(key="gpt", title="Radford et al. 2018, Improving language understanding by generative pre-training",
              url="https://openai.com/blog/language-unsupervised", copy=NOTES),
    Reference(key="bert", title="Devlin et al. 2019, BERT", url="https://arxiv.org/abs/1810.04805", copy=COPY),
    Reference(key="bert-repo", title="google-research/bert", url="https://github.com/google-research/bert"),
    Reference(key="ernie", title="Sun et al. 2019, ERNIE: Enhanced representation through knowledge integration",
              url="https://arxiv.org/abs/1904.09223", copy=COPY),
    Reference(key="ernie2", title="Sun et al. 2020, ERNIE 2.0", url="https://arxiv.org/abs/1907.12412", copy=COPY),
    Reference(key="ernie-repo", title="PaddlePaddle/ERNIE, its README of 2019",
              url="https://github.com/PaddlePaddle/ERNIE"),
    Reference(key="gpt2", title="Radford et al. 2019, Language models are unsupervised multitask learners",
              url="https://openai.com/blog/better-language-models", copy=NOTES),
    Reference(key="gpt2-repo", title="openai/gpt-2", url="https://github.com/openai/gpt-2"),
    Reference(key="xlnet", title="Yang et al. 2019, XLNet", url="https://arxiv.org/abs/1906.08237", copy=COPY),
    Reference(key="xlnet-repo", title="zihangdai/xlnet", url="https://github.com/zihangdai/xlnet"),
    Reference(key="roberta", title="Liu et al. 2019, RoBERTa", url="https://arxiv.org/abs/1907.11692", copy=COPY),
    Reference(key="megatron", title="Shoeybi et al. 2019, Megatron-LM", url="https://arxiv.org/abs/1909.08053",
              copy=COPY),
    Reference(key="albert", title="Lan et al. 2020, ALBERT", url="https://arxiv.org/abs/1909.11942", copy=COPY),
    Reference(key="t5", title="Raffel et al. 2020, Exploring the limits of transfer learning with a unified "
              "text-to-text transformer", url="https://arxiv.org/abs/1910.10683", copy=NOTES),
    Reference(key="bart", title="Lewis et al. 2020, BART", url="https://arxiv.org/abs/1910.13461", copy=COPY),
    Reference(key="fairseq", title="facebookresearch/fairseq", url="https://github.com/facebookresearch/fairseq"),
    Reference(key="turing", title="Rosset 2020, Turing-NLG: A 17-billion-parameter language model by Microsoft",
              url="https://www.microsoft.com/en-us/research/blog/"
              "turing-nlg-a-17-billion-parameter-language-model-by-microsoft/", copy=COPY),
    Reference(key="turing-press", title="Analytics India Magazine 2020, Microsoft's Turing NLG",
              url="https://analyticsindiamag.com/microsofts-turing-nlg-the-largest-language-model-ever-is-released/"),
    Reference(key="gpt3", title="Brown et al. 2020, Language models are few-shot learners",
              url="https://arxiv.org/abs/2005.14165", copy=COPY),
    Reference(key="gpt3-repo", title="openai/gpt-3", url="https://github.com/openai/gpt-3"),
    Reference(key="switch", title="Fedus et al. 2022, Switch transformers", url="https://arxiv.org/abs/2101.03961",
              copy=COPY),
    Reference(key="deberta", title="He et al. 2021, DeBERTa", url="https://arxiv.org/abs/2006.03654", copy=COPY),
    Reference(key="modernbert", title="Warner et al. 2024, ModernBERT", url="https://arxiv.org/abs/2412.13663",
              copy=COPY),
    Reference(key="hub", title="config.json of the checkpoint that is named, on the Hugging Face Hub",
              url="https://huggingface.co"),
)  # fmt: skip

ARXIV = "year and month in its arXiv number"
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}


def _year(year: int, source: str, at: str = ARXIV) -> Cited[int]:
    return Cited(value=year, source=source, at=at)


def _size(count: int, checkpoint: str) -> Cited[int]:
    """Parameters that transformers counts in the shape of a checkpoint on the Hub."""
    return Cited(value=count, source="hub", at=checkpoint)


def _said(value: Any, source: str, at: str) -> Cited[Any]:
    return Cited(value=value, source=source, at=at)


def _glue(percent: float, source: str, at: str, ensemble: bool = False) -> Glue:
    """The official score on test."""
    value = round(percent / 100, 4)
    return Glue(value=value, source=source, at=at, kind="test, ensemble" if ensemble else "test")


BART = {"mnli": 0.899, "qnli": 0.949, "qqp": 0.925, "rte": 0.870, "sst2": 0.966, "mrpc": 0.904, "cola": 0.628,
        "stsb": 0.912}  # fmt: skip
"""BART-large's published dev scores; it has no published mean."""

_BERT_DATA = _said("BooksCorpus 800M and Wikipedia 2,500M words", "bert", "pre-training data")
_BERT_OBJECTIVE = _said("masked tokens, next sentence", "bert-repo", "README.md, What is BERT?")
_MEGATRON_DATA = _said("174 GB, deduplicated", "megatron", "section 4.1")
_MODERN = _said("2T tokens of English and code", "modernbert", "abstract")
_MODERN_OBJECTIVE = _said("masked tokens (0.30)", "modernbert", "section 2.2.2")

MODELS = (
    PublishedModel(
        name="ELMo",
        year=_year(2018, "elmo"),
        parameters=_said(93_600_000, "allennlp", "pre-trained models, original"),
        data=_said("1 Billion Word Benchmark: about 800M tokens", "allennlp", "pre-trained models"),
        objective=_said("language model in both directions", "elmo", "abstract"),
        glue=_glue(68.9, "gpt", "table 4: multi-task BiLSTM + ELMo + attention"),
    ),
    PublishedModel(
        name="BERT-base",
        year=_year(2018, "bert"),
        parameters=_size(109_482_240, "google-bert/bert-base-uncased"),
        counted=Counted(config="BertConfig"),
        data=_BERT_DATA,
        objective=_BERT_OBJECTIVE,
        glue=_glue(78.3, "ernie-repo", "Single Model Results on GLUE-Test"),
    ),
    PublishedModel(
        name="BERT-large",
        year=_year(2018, "bert"),
        parameters=_size(335_141_888, "google-bert/bert-large-uncased"),
        counted=Counted(config="BertConfig", settings=LARGE),
        data=_BERT_DATA,
        objective=_BERT_OBJECTIVE,
        glue=_glue(80.5, "bert", "abstract"),
    ),
    PublishedModel(
        name="GPT-2",
        year=_year(2019, "gpt2-repo", "model_card.md"),
        parameters=_size(1_557_611_200, "openai-community/gpt2-xl"),
        counted=Counted(config="GPT2Config", settings={"n_embd": 1600, "n_layer": 48, "n_head": 25}),
        data=_said("WebText: 8M documents, 40 GB", "gpt2", "training dataset"),
        objective=_said("language model", "gpt2-repo", "model_card.md"),
    ),
    PublishedModel(
        name="ERNIE 1.0",
        year=_year(2019, "ernie"),
        parameters=_size(99_866_112, "nghuyong/ernie-1.0-base-zh"),
        counted=Counted(
            config="ErnieConfig", settings={"vocab_size": 18000, "max_position_embeddings": 513, "hidden_act": "relu"}
        ),
        data=_said("Chinese: 21M, 51M, 47M and 54M sentences", "ernie", "heterogeneous corpus pre-training"),
        objective=_said("masked phrases and entities, next sentence", "ernie-repo", "Pre-Training Tasks"),
    ),
    PublishedModel(
        name="XLNet-large",
        year=_year(2019, "xlnet"),
        parameters=_size(360_268_800, "xlnet/xlnet-large-cased"),
        counted=Counted(config="XLNetConfig"),
        data=_said("5 corpora: 32.89B subwords", "xlnet", "section 3.1"),
        objective=_said("permutation language modeling", "xlnet-repo", "README.md, Introduction"),
        glue=_glue(88.4, "roberta", "table 5", ensemble=True),
    ),
    PublishedModel(
        name="RoBERTa-large",
        year=_year(2019, "roberta"),
        parameters=_size(355_359_744, "FacebookAI/roberta-large"),
        counted=Counted(
            config="RobertaConfig", settings={**LARGE, "max_position_embeddings": 514, "type_vocab_size": 1}
        ),
        data=_said("5 corpora: over 160 GB", "roberta", "section 3.2"),
        objective=_said("masked tokens, dynamic masking", "roberta", "dynamic masking"),
        glue=_glue(88.5, "roberta", "table 5", ensemble=True),
    ),
    PublishedModel(
        name="ERNIE 2.0-large",
        year=_year(2019, "ernie2"),
        parameters=_size(335_143_936, "nghuyong/ernie-2.0-large-en"),
        counted=Counted(config="ErnieConfig", settings={**LARGE, "type_vocab_size": 4}),
        data=None,
        objective=_said("masked phrases and entities, 4 more tasks", "ernie-repo", "Pre-Training Tasks"),
        glue=_glue(83.6, "ernie-repo", "Single Model Results on GLUE-Test"),
    ),
    PublishedModel(
        name="Megatron-LM",
        year=_year(2019, "megatron"),
        parameters=_said(8_300_000_000, "megatron", "abstract"),
        data=_MEGATRON_DATA,
        objective=_said("language model, left to right", "megatron", "section 4"),
    ),
    PublishedModel(
        name="Megatron-BERT",
        year=_year(2019, "megatron"),
        parameters=_said(3_900_000_000, "megatron", "abstract"),
        data=_MEGATRON_DATA,
        objective=_said("masked words and n-grams, sentence order", "megatron", "section 4.2"),
    ),
    PublishedModel(
        name="ALBERT-xxlarge",
        year=_year(2019, "albert"),
        parameters=_size(222_595_584, "albert/albert-xxlarge-v1"),
        counted=Counted(config="AlbertConfig"),
        data=_said("16 GB, and XLNet's and RoBERTa's data", "albert", "sections 4.1 and 4.9"),
        objective=_said("masked n-grams, sentence order", "albert", "sections 4.1 and 4.9"),
        glue=_glue(89.4, "albert", "table 9", ensemble=True),
    ),
    PublishedModel(
        name="T5-11B",
        year=_year(2019, "t5"),
        parameters=_size(11_307_321_344, "google/t5-11b-ssm-nqo, of the shape of T5-11B"),
        counted=Counted(
            config="T5Config",
            settings={
                "d_model": 1024, "d_ff": 65536, "d_kv": 128, "num_heads": 128, "num_layers": 24,
                "num_decoder_layers": 24,
            },
        ),
        data=_said("C4: about 750 GB", "t5", "section 2.2"),
        objective=_said("masked spans (0.15, mean length 3)", "t5", "span-corruption objective"),
        glue=_glue(90.3, "t5", "text on the results of T5-11B"),
    ),
    PublishedModel(
        name="BART-large",
        year=_year(2019, "bart"),
        parameters=_size(406_291_456, "facebook/bart-large"),
        counted=Counted(config="BartConfig"),
        data=_said("160 GB, as RoBERTa", "bart", "section 5.1"),
        objective=_said("infilled spans, permuted sentences", "bart", "section 5.1"),
        glue=Glue(
            value=round(sum(BART.values()) / len(BART), 4), source="fairseq", at="examples/bart/README.md",
            kind="dev, mean of 8", tasks=BART,
        ),
    ),
    PublishedModel(
        name="Turing-NLG",
        year=_year(2020, "turing", "its date"),
        parameters=_said(17_000_000_000, "turing", "first paragraph"),
        data=_said("of Megatron-LM's type, no size", "turing-press", "Overview of T-NLG"),
        objective=_said("generative language model", "turing-press", "Overview of T-NLG"),
    ),
    PublishedModel(
        name="GPT-3",
        year=_year(2020, "gpt3-repo", "model-card.md"),
        parameters=_said(175_000_000_000, "gpt3-repo", "model-card.md"),
        data=_said("5 corpora: 300B tokens seen", "gpt3", "table 2.2"),
        objective=_said("autoregressive language model", "gpt3-repo", "model-card.md"),
    ),
    PublishedModel(
        name="DeBERTa-large",
        year=_year(2020, "deberta"),
        parameters=_size(405_163_008, "microsoft/deberta-large"),
        counted=Counted(
            config="DebertaConfig",
            settings={
                **LARGE, "type_vocab_size": 0, "relative_attention": True, "position_biased_input": False,
                "pos_att_type": ["c2p", "p2c"],
            },
        ),
        data=_said("about 78 GB", "deberta", "section 5.1.1"),
        objective=_said("masked tokens", "deberta", "abstract"),
        glue=Glue(value=0.90, source="deberta", at="table 1", kind="dev, mean of 8"),
    ),
    PublishedModel(
        name="Switch-C",
        year=_year(2021, "switch"),
        parameters=_said(1_571_000_000_000, "switch", "table 9"),
        data=_said("C4: over 180B target tokens", "switch", "section 3"),
        objective=_said("masked tokens (0.15), denoised", "switch", "Putting It All Together"),
    ),
    PublishedModel(
        name="ModernBERT-base",
        year=_year(2024, "modernbert"),
        parameters=_size(149_014_272, "answerdotai/ModernBERT-base"),
        counted=Counted(config="ModernBertConfig"),
        data=_MODERN,
        objective=_MODERN_OBJECTIVE,
        glue=Glue(value=0.884, source="modernbert", at="table 1", kind="dev, mean of 8"),
    ),
    PublishedModel(
        name="ModernBERT-large",
        year=_year(2024, "modernbert"),
        parameters=_size(394_781_696, "answerdotai/ModernBERT-large"),
        counted=Counted(
            config="ModernBertConfig",
            settings={
                "hidden_size": 1024, "intermediate_size": 2624, "num_hidden_layers": 28, "num_attention_heads": 16,
            },
        ),
        data=_MODERN,
        objective=_MODERN_OBJECTIVE,
        glue=Glue(value=0.904, source="modernbert", at="table 1", kind="dev, mean of 8"),
    ),
)  # fmt: skip
"""In the order of their first publication."""
