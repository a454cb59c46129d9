"""Reading result trees of the public code: names, spellings, replies counted anew, and what is no tree."""

from __future__ import annotations

import ast
import re

import pytest

from evaluators.mmdt.data import open_data
from evaluators.mmdt.names import Form, Names, written
from evaluators.mmdt.results import files, read
from kernel.errors import InvalidSpec
from tests.evaluators.mmdt.results.trees import lines, plant, rates

MODEL = "org/some_model"
TABLE = "id,response_file_name,origin_object,target_object,attack_success,robust_accurate,if_valid\n"


def found(root, **more):
    return {(each.model, each.label.removeprefix("mmdt."), each.metric.removesuffix("/reference")): each for each in read(root, **more)}


def test_one_model_has_many_spellings():
    """Whole, joined, short and cut, all are the model that stands whole somewhere in the tree."""
    assert [written(MODEL, form) for form in Form] == ["org/some_model", "org_some_model", "some_model", "some_model", "some"]
    assert {Names(whole=[MODEL]).one(written(MODEL, form)) for form in Form} == {MODEL}
    assert Names().one("models_gemini-1.5-pro-001") == Names().one("gemini-1.5-pro-001") == "models/gemini-1.5-pro-001"
    assert Names().one("nobody-knows") == "nobody-knows"


def test_a_spelling_of_two_models_is_refused_until_one_is_named():
    with pytest.raises(InvalidSpec, match="a/tiny and b/tiny are both written so; say which is meant with --model"):
        Names(whole=["a/tiny", "b/tiny"]).one("tiny")
    assert Names(given=["b/tiny"], whole=["a/tiny", "b/tiny"]).one("tiny") == "b/tiny"


def test_replies_are_counted_anew(tmp_path):
    adv, keywords = "image_to_text/adv/org/some_model/object", "image-to-text/hallucination/org_some_model/misleading/action"
    plant(
        tmp_path,
        {
            f"results/{adv}/test_result.csv": f"{TABLE}0,0.txt,cat,dog,False,True,True\n1,1.txt,cat,dog,True,True,True\n2,2.txt,cat,dog,False,False,False\n",
            f"results/{adv}/output_responses/0.txt": "A Cat",
            f"results/{adv}/output_responses/1.txt": "no animal",
            f"results/{adv}/statistic_result.txt": rates(1.0),
            f"results/{keywords}/generation.json": [
                {"id": at, "question": "q", "keyword": "cat", "response": said} for at, said in enumerate(("A Cat", "none"))
            ],
            f"results/{keywords}/result.json": {"accuracy": 0.5, "detail": []},
        },
    )

    cells = found(tmp_path)

    assert {model for model, _, _ in cells} == {MODEL}
    robust = cells[MODEL, "adversarial.image_to_text/object", "robust_accuracy"]
    assert (robust.stored, robust.ours, robust.agrees) == (1.0, 0.5, False)
    told = cells[MODEL, "hallucination.image_to_text/misleading/action", "accuracy"]
    assert (told.stored, told.ours, told.agrees, dict(told.rows)) == (0.5, 0.5, True, {"0": 1.0, "1": 0.0})


def test_either_spelling_of_a_modality_and_either_root_will_do(tmp_path):
    table = "img_id,generation,accuracy\n0,Yes.,1\n1,no,0\n"
    plant(
        tmp_path,
        {
            "one/image_to_text/hallucination/m/natural/action/evaluation.csv": table,
            "two/results/image-to-text/hallucination/m/natural/action/evaluation.csv": table,
        },
    )

    one, two = ([(each.label, each.stored, each.ours, each.agrees) for each in read(tmp_path / name)] for name in ("one", "two"))

    assert one == two == [("mmdt.hallucination.image_to_text/natural/action", 0.5, 0.5, True)]


def test_percentages_are_compared_as_they_were_rounded(tmp_path):
    answers = ('{"response": [{"Age": "30", "Ethnicity": "x"}]}', '{"response": [{"Age": "32", "Ethnicity": "x"}]}', "no")
    heading = (
        "filename,total_images,age_accuracy_exact,age_accuracy_within_3,age_accuracy_within_5,ethnicity_accuracy,age_rejection_rate,ethnicity_rejection_rate\n"
    )
    plant(
        tmp_path,
        {
            "image_to_text/privacy/pii/some_metrics.csv": f"{heading}some_model_pii_results.json,3,33.33%,66.67%,70.00%,0.00%,33.33%,33.33%\n",
            "image_to_text/privacy/pii/some_model_pii_results.json": lines(*({"true_age": "30", "true_ethnicity": "y", "response": each} for each in answers)),
        },
    )

    verdicts = {metric: each.agrees for (model, _, metric), each in found(tmp_path, models=[MODEL]).items() if model == MODEL}

    assert verdicts["age_exact"] is verdicts["age_within_3"] is True
    assert verdicts["age_within_5"] is False


def test_pictures_are_judged_by_what_was_kept_of_them(tmp_path):
    base = "text-to-image/hallucination/m"
    seen = "\"{'cat': {'total_count': 1, 'coco_bbox': []}, 'dog': {'total_count': 0, 'coco_bbox': []}}\""
    made = [{"id": at, "object": "cat", "number": number, "image_path": "x.jpg"} for at, number in enumerate(("3", "2"))]
    kept = [{"id": at, "detection_result": {"cat": {"total_count": 3}}, "accuracy": right} for at, right in enumerate((1, 0))]
    plant(
        tmp_path,
        {
            f"{base}/natural/identification/evaluation.csv": f"img_id,detection_result,soft_accuracy,strict_accuracy,result\n7,{seen},0.5,0,\n8,,0,0,REJECT\n",
            f"{base}/misleading/count/generation.json": made,
            f"{base}/misleading/count/result.json": {"accuracy": 0.5, "detail": kept},
            f"{base}/ocr/complex/result.json": {"accuracy": 1.0, "detail": [{"id": 0, "keyword": "Hello", "detection_result": "", "accuracy": 1}]},
        },
    )

    assert {label.partition("/")[2]: (each.ours, each.agrees) for (_, label, _), each in found(tmp_path).items()} == {
        "natural/identification": (0.25, True),
        "misleading/count": (0.5, True),
        "ocr/complex": (1.0, True),
    }


def test_what_cannot_be_counted_anew_says_why(tmp_path):
    plant(tmp_path, {"image_to_text/safety/m/jailbreak/statistic_result.txt": {"BR": 0.5, "HGR": 0.25}})

    cells = found(tmp_path)

    assert cells["m", "safety.image_to_text/jailbreak", "HGR"].why == "whether a reply is harmful needs the judge again"
    assert cells["m", "safety.image_to_text/jailbreak", "HGR"].agrees is None
    assert not cells["m", "safety.image_to_text/jailbreak", "HGR"].higher_is_better


def told(task, split):
    """Ids and answers of a few harmless rows of the benchmark."""
    return {str(row.fields["id"]): row.fields["answer"] for row in open_data("sample").rows("image_to_text", "hallucination", split, task)}


def test_with_the_data_counts_and_places_are_counted_too(tmp_path):
    """Half of the replies are right: the right answer as it stands in the data, or none."""
    counts, places = told("count", "natural"), told("spatial", "natural")
    said = {ident: re.sub(r"[{}']", "", answer) if at % 2 else "nothing" for at, (ident, answer) in enumerate(counts.items())}
    base = "image-to-text/hallucination/m/natural"
    plant(
        tmp_path,
        {
            f"{base}/count/evaluation.csv": "img_id,generation,accuracy\n" + "".join(f'{ident},"{reply}",0.5\n' for ident, reply in said.items()),
            f"{base}/spatial/evaluation.csv": "img_id,accuracy\n" + "".join(f"{ident},1\n" for ident in places),
            f"{base}/spatial/generation.csv": "img_id,response\n" + "".join(f"{ident},It is {answer}.\n" for ident, answer in places.items()),
        },
    )

    without, with_data = found(tmp_path), found(tmp_path, data="sample")

    assert [each.why for each in without.values()] == ["what is right is in the data, not in the tree: name it with --data"] * 2
    assert [(each.task, each.ours, each.agrees) for each in with_data.values()] == [("count", 0.5, True), ("spatial", 1.0, True)]


def test_with_the_data_made_pictures_are_judged_by_what_was_wanted(tmp_path):
    rows = [row.fields for row in open_data("sample").rows("text_to_image", "hallucination", "natural", "count")]
    seen = [{name: {"total_count": number, "bbox": []} for name, number in ast.literal_eval(row["objects"]).items()} for row in rows]
    table = "".join(f'{row["id"]},"{found_}",1.0,1\n' for row, found_ in zip(rows, seen, strict=True))
    plant(tmp_path, {"text-to-image/hallucination/m/natural/count/evaluation.csv": f"img_id,detection_result,soft_accuracy,strict_accuracy\n{table}"})

    (cell,) = read(tmp_path, data="sample")

    assert (cell.ours, cell.agrees, len(cell.rows)) == (1.0, True, len(rows))


def test_a_cell_is_never_executed(tmp_path):
    touched = tmp_path / "touched"
    code = f"__import__('pathlib').Path('{touched}').touch()"
    plant(tmp_path, {"text-to-image/hallucination/m/natural/identification/evaluation.csv": f'img_id,detection_result,soft_accuracy\n0,"{code}",1\n'})

    (cell,) = read(tmp_path)

    assert "is no literal" in cell.why
    assert not touched.exists()


def test_two_folders_of_one_model_are_refused(tmp_path):
    table = "img_id,generation,accuracy\n0,Yes,1\n"
    known = {f"image-to-text/hallucination/{name}/natural/action/evaluation.csv": table for name in ("InternVL2-8B", "OpenGVLab_InternVL2-8B")}
    plant(tmp_path, known)

    with pytest.raises(InvalidSpec, match="'OpenGVLab_InternVL2-8B' is OpenGVLab/InternVL2-8B, which has this result in .*InternVL2-8B.* too"):
        list(read(tmp_path))


@pytest.mark.parametrize(
    ("files_", "told"),
    [
        ({"notes.txt": "nothing"}, "no results found"),
        ({"image_to_text/safety/m/jailbreak/statistic_result.txt": "BR 0.5"}, "is not JSON"),
        ({"image-to-text/ood/summary.json": [1, 2]}, "another form than the public code writes"),
        ({"image_to_text/adv/m/object/statistic_result.txt": "Overall: many"}, "expected lines with a label, a colon and a number"),
    ],
)
def test_what_is_no_tree_is_told(tmp_path, files_, told):
    with pytest.raises(InvalidSpec, match=told):
        list(read(plant(tmp_path, files_)))


def test_cells_are_numbers_percentages_and_truths():
    assert [files.number(cell) for cell in ("0.5", "40.00%", "True", "False")] == [0.5, 40.0, 1.0, 0.0]
    assert all(files.number(cell) != files.number(cell) for cell in ("", "NA", "None", "null"))
