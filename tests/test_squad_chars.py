"""Answers compared by characters where text has no spaces, and by words elsewhere: cases worked out by hand."""

from __future__ import annotations

import pytest

from bertkit.evaluation.metrics import METRICS
from bertkit.heads.squad_chars import best_exact_chars, best_f1_chars, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("光荣和ω-force", ["光", "荣", "和", "ω", "force"]),
        ("《战国无双3》，（KOEI）！", ["战", "国", "无", "双", "3", "koei"]),
        ("1,190.5 ％", ["1", "190", "5"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("カタカナとひらがな", list("カタカナとひらがな")),
        ("ｶﾞ", ["ガ"]),
        ("한국 어", ["한국", "어"]),
        ("São  Paulo's", ["são", "paulo", "s"]),
        ("二〇〇〇年", ["二", "〇", "〇", "〇", "年"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("the end", ["the", "end"]),
        ("。、「」…—", []),
        ("", []),
    ],
)
def test_chinese_characters_and_kana_count_one_by_one_and_other_text_by_words(text: str, expected: list[str]) -> None:
    assert units(text) == expected


def test_punctuation_of_either_script_makes_no_difference() -> None:
    assert best_exact_chars(["《新华社》。"], "新华社") == 1.0
    assert best_exact_chars(["新华社"], "新华 社,") == 1.0
    assert best_exact_chars(["新华社"], "社新华") == 0.0


def test_f1_is_that_of_the_characters_that_both_have() -> None:
    # gold 4 characters, answer 3, of which 2 are shared: 2 * 2 / (4 + 3)
    assert best_f1_chars(["北京大学"], "大学生") == pytest.approx(4 / 7)
    # 3 characters and a word against 2 characters and the word: 2 * 3 / (4 + 3)
    assert best_f1_chars(["KOEI 开发者"], "koei开发") == pytest.approx(6 / 7)
    # a character that the gold has once counts once: 2 * 1 / (1 + 2)
    assert best_f1_chars(["人"], "人人") == pytest.approx(2 / 3)


def test_order_counts_for_em_and_not_for_f1_unlike_cmrc_s_longest_common_substring() -> None:
    assert best_f1_chars(["北京大学"], "大学北京") == 1.0  # CMRC's script: 2 of 4 characters stand together, .5


def test_the_best_gold_counts() -> None:
    assert best_f1_chars(["上海", "北京市"], "北京") == pytest.approx(4 / 5)
    assert best_exact_chars(["上海", "北京"], "北京") == 1.0


def test_an_answer_of_punctuation_alone_equals_an_empty_gold_only() -> None:
    assert (best_f1_chars(["，"], "。"), best_exact_chars(["，"], "。")) == (1.0, 1.0)
    assert (best_f1_chars(["京"], "。"), best_f1_chars([], "京"), best_exact_chars([], "京")) == (0.0, 0.0, 0.0)


def test_squad_s_plain_rule_sees_one_word_where_there_is_no_space() -> None:
    golds, answers = [["北京大学"], ["the end"]], ["北京大", "end"]
    assert METRICS["squad_v1_f1"].of(golds, answers) == pytest.approx((0 + 1) / 2)
    assert METRICS["squad_chars_f1"].of(golds, answers) == pytest.approx((6 / 7 + 2 / 3) / 2)
    assert METRICS["squad_chars_em"].of(golds, answers) == 0.0
