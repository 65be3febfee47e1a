"""Whether the first line names the columns: told from what stands in it and below, or asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import write
from test_detect import refused, rows_of

from bertkit.data.detect import detect

LONG = "a film that is so long that nobody saw its end"


@pytest.mark.parametrize(
    "content",
    [
        "text,label\ngood film,positive\nbad film,negative\n",
        "Review,Rating\nfine,5\ndull,1\n",
        "v1,v2,,,\nham,Ok lar,,,\nspam,Free entry,,,\n",
        "cat,label,review\nfruit,1,fine\nfruit,0,dull\n",
        " Sentence , Label \nfine,a\ndull,b\n",
        ",text,label\n0,fine,a\n1,dull,b\n",
        "Unnamed: 0,tweet,class\n0,fine,a\n1,dull,b\n",
        "0,1\nfine film,positive\ndull film,negative\n",
        "text,label\nfine,text\ntext,label\n",
        "文本,标签\n好吃,正面\n难吃,负面\n",
        "Quality,#1 ID,#1 String\n1,10,He left.\n0,11,She left.\n",
        "How satisfied are you with our service as a whole?,answer\n5,Fine.\n1,Dull.\n",
        "ticket,queue\n" + f"{LONG},a\n{LONG} b,b\n" * 10,
        "comment_text,toxic,obscene\nfine,0,0\nbad,1,0\n",
        "1,2\nfine film,positive\ndull film,negative\n",
        "text\nfine\ndull\n",
        "utterance,intent\n",
        "text,label\nn/a,1\nfine,0\n",
    ],
)
def test_a_first_line_of_names_is_taken_for_one(tmp_path: Path, content: str) -> None:
    assert detect(write(tmp_path / "a.csv", content)).header


@pytest.mark.parametrize(
    "content",
    [
        "good film,positive\nbad film,negative\nfine film,positive\n",
        '"3","Fears for T N pension","Unions say they are"\n"4","The Race is On","SPACE.com"\n',
        "positive,good film\nnegative,bad film\npositive,fine film\n",
        f"{LONG},p\nno,q\nwhy,r\n",
        "ham,Ok lar\nspam,Free entry\nham,Go until\n",
        "entailment,A man.,A person.\nneutral,A dog.,A pet.\nother,So,No\n",
        "gj04,1,,They left.\ngj04,0,*,Them left.\n",
        "spam,Free\nham,Ok\nspam,Win\nham,No\n",
        "question,fine\nhuman,so\nquestion,no\n",
        "I am so very happy with this\nNever again\n",
    ],
)
def test_a_first_line_that_is_a_row_is_not_lost(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "a.csv", content)
    form = detect(path)
    assert not form.header
    assert form.columns == tuple(f"column {place}" for place in range(1, len(form.columns) + 1))
    assert len(rows_of(path)) == content.count("\n")


@pytest.mark.parametrize(
    "content",
    [
        "good film,positive\nbad film,negative\n",
        "a,b\nc,d\ne,f\n",
        "n/a,good\n1,bad\n0,fine\n",
    ],
)
def test_a_first_line_that_may_be_either_is_asked_about(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "a.csv", content)
    first = ", ".join(f"'{cell}'" for cell in content.split("\n")[0].split(","))
    said = f"{path}: does line 1 ({first}) name the columns, or is it a row? Say --header or --no-header"
    assert refused(path) == said


def test_what_is_said_of_the_header_line_is_done(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "good film,positive\nbad film,negative\n")
    assert rows_of(path, header=True) == [{"good film": "bad film", "positive": "negative"}]
    assert [row["column 2"] for row in rows_of(path, header=False)] == ["positive", "negative"]


def test_the_columns_names_repeated_in_files_put_together_are_still_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nfine,1\ntext,label\ndull,0\n")
    assert detect(path).header


def test_a_list_of_texts_without_a_name_is_asked_about(tmp_path: Path) -> None:
    assert "Say --header or --no-header" in refused(write(tmp_path / "a.csv", "fine\ndull\nso\n"))
