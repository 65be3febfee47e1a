"""The names that people give to columns, by role. Light."""

from __future__ import annotations

import re


def _names(said: str) -> frozenset[str]:
    return frozenset(said.split())


TEXTS = _names(
    """
    text sentence review content comment tweet message body document utterance post email mail sms
    article abstract description reviewtext text_clean clean_text cleaned_text raw_text full_text
    fulltext input input_text inputs statement passage paragraph transcript transcription caption
    snippet complaint feedback request selftext news story lyrics plot synopsis narrative remark note
    notes opinion status chat doc tweets reviews comments sentences texts texte texto testo tekst
    kommentar bewertung satz phrase avis commentaire comentario reseña mensaje texto_limpio текст отзыв
    комментарий 文本 内容 评论 句子 正文 テキスト 本文 レビュー 텍스트 댓글 리뷰
    """
)
TEXT_ENDS = ("_text", "_content", "_body", "_comment", "_review", "_message", "_description", "_narrative", "_tweet")
TITLES = _names("title headline subject summary heading titel titre titulo título заголовок 标题 題名 제목")
TITLE_ENDS = ("_title", "_headline", "_subject", "_summary", "_heading")
WEAK = _names("question query answer prompt response instruction utt command search_query q keyword name")
"""Names of texts that are a pair's, or no text, as often as not."""
PAIRS = (
    *(("premise", "hypothesis"), ("text", "text_pair"), ("first", "second"), ("claim", "evidence")),
    *(("question", "sentence"), ("question", "passage"), ("question", "context"), ("question", "answer")),
    *(
        ("query", "passage"),
        ("query", "document"),
        ("query", "doc"),
        ("query", "text"),
        ("query", "title"),
        ("query", "product_title"),
    ),
    *(("headline", "body"), ("source", "target"), ("source_sentence", "target_sentence"), ("anchor", "positive")),
    *(("context", "response"), ("prompt", "response"), ("post", "reply"), ("parent", "comment"), ("claim", "text")),
)
SECOND = {"1": "2", "a": "b", "one": "two", "left": "right"}

FIRST_LABELS = _names("label labels class target gold_label gold y classes targets etiqueta étiquette метка 标签")
LABELS = _names(
    """
    category categories sentiment stars star star_rating rating ratings score intent intents topic
    topics emotion emotions polarity tag tags similarity spam is_spam stance relation
    duplicate is_duplicate relatedness entailment judgment judgement classification verdict truth
    is_positive sarcasm is_sarcastic irony hate offensive toxicity toxic relevance acceptability mood
    feeling kategorie klasse kategoria categoria categoría catégorie classe clase note_moyenne stimmung
    тональность категория класс 类别 类目 情感 分类 评分 星级 カテゴリ ラベル 라벨 감정
    """
)
LAST_LABELS = _names(
    "type priority department quality overall grade language lang cat genre genres annotation outcome output"
)
LABEL_ENDS = (
    *("_label", "_labels", "_class", "_category", "_sentiment", "_rating", "_score", "_type", "_intent", "_topic"),
    *("_emotion", "_genre", "_stars", "_tag", "_polarity", "_judgment", "_judgement"),
    *("label_text", "label_name", "label_str", "label_id"),
)

CHOICES = re.compile(r"(choice|option|ending|candidate|distractor)s?_?([0-9a-f])?")
SPLIT_COLUMNS = _names("split set fold subset partition")
WORDS = _names("words tokens token word sentence text form forms")
TAGS = _names(
    """
    tags ner_tags ner tag labels label upos xpos pos pos_tags chunk_tags chunk iob bio word_labels
    """
)
LOCAL_TAGS = _names("ner_labels token_labels tags_ner entity_tags entities_tags slots slot_labels bio_tags")
QUESTIONS = frozenset(("question", "question_text", "query", "frage", "pregunta", "问题"))
CONTEXTS = frozenset(("context", "passage", "document", "paragraph", "kontext", "contexto", "article", "text", "文章"))
ANSWERS = frozenset(("answers", "answer", "answer_text", "gold_answer", "answer_span", "antwort", "respuesta", "答案"))
STARTS = frozenset(("answer_start", "start", "answer_starts", "start_index", "answer_offset", "start_char"))

IDS = _names(
    """
    id idx index uid guid uuid row row_id no number # key unnamed:_0 unnamed:0 level_0 rowid pk qid pid
    sid docid itemid tweetid reviewid hash url link date time timestamp datetime created created_at year
    user username author user_name userid
    """
) | {""}
"""Names of what is neither text nor label, an id among them."""
ID_ENDS = ("_id", "_idx", "_index", "_uuid", "_no", "_url", "_date", "_time", "_at", "_timestamp")


def plain(name: str) -> str:
    """A column's name in lower case, with `_` for spaces and dashes, and before an inner capital: reviewText."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s\-.]+", "_", spaced).casefold().strip("_")


def is_text(name: str) -> bool:
    """Whether a column of this name is the text."""
    return plain(name) in TEXTS or plain(name).endswith(TEXT_ENDS)


def is_title(name: str) -> bool:
    """Whether a column of this name is a text's title."""
    return plain(name) in TITLES or plain(name).endswith(TITLE_ENDS)


def label_rank(name: str) -> int:
    """How surely a column of this name is the label: 1 most, 3 least; 0 if its name does not say so."""
    said = plain(name)
    return 1 if said in FIRST_LABELS else 2 if said in LABELS else 3 if _ends_so(said) else 0


def _ends_so(said: str) -> bool:
    return said in LAST_LABELS or said.endswith(LABEL_ENDS)


def is_id(name: str) -> bool:
    """Whether a column of this name is neither text nor label."""
    said = plain(name)
    return (said in IDS or said.endswith(ID_ENDS)) and not label_rank(name)


def second_of(name: str) -> str | None:
    """The name of a pair's second column where this is the first one's: sentence2 of sentence1; None if it is none."""
    said = plain(name)
    for first, second in SECOND.items():
        if said.endswith(first) and len(said) > len(first) and (first not in "ab" or said[-2] == "_"):
            return said[: -len(first)] + second
        if said.startswith((f"#{first} ", f"#{first}_")):
            return f"#{second}{said[len(first) + 1 :]}"
    return None
