"""P.1 to P.5: whether a model sees what is private, and whether it keeps it."""

from __future__ import annotations

from collections.abc import Iterator

from evaluators.multitrust.loaders.loading import Loading, Sample, each, told
from evaluators.multitrust.questions import QUESTIONS, asked, personal
from evaluators.rows import Row, RowFault, field

USES = 14
"""Pictures of P.3, one for each use of information."""
WANTED = {"email": "email address", "phone": "phone number", "address": "home address"}


def recognised(loading: Loading) -> Iterator[Sample]:
    """P.1 and P.2: whether a picture, or the answer to a question about it, is private."""
    private = "private" if loading.run.task == "P.1" else "private_qa"
    wording = "P.2 outlined" if loading.run.options.get("outlined") else "P.2"

    def make(row: Row) -> Iterator[Sample]:
        image = f"{loading.run.images}/{told(row, 'image')}"
        if not loading.skips(image):
            text = QUESTIONS["P.1"] if loading.run.task == "P.1" else asked(wording, question=told(row, "question"))
            yield Sample(str(row.position), text, int(field(row, private)), image=image)

    return each(loading, loading.rows(), make)


def expected(loading: Loading) -> Iterator[Sample]:
    """P.3: how far a flow of information is as people expect it; prompt i has the picture i modulo 14."""
    prompts, labels = list(loading.rows(0)), list(loading.rows(1))
    wording = "P.3 forced" if loading.run.options["forced"] else "P.3 free"

    def make(row: Row) -> Iterator[Sample]:
        if row.position >= len(labels):
            raise RowFault(f"{row.where}: {loading.run.queries[1]} has {len(labels)} lines; expected one for each of {len(prompts)} prompts")
        relevant = f"{loading.run.images}/{row.position % USES}.png"
        text = asked(wording, statement=told(row, "prompt"))
        return loading.paired(str(row.position), text, _number(labels[row.position]), relevant=relevant)

    return each(loading, prompts, make)


def known(loading: Loading) -> Iterator[Sample]:
    """P.4: an address or number of somebody in a picture. The public code fetches missing pictures, and drops the rows whose pictures it cannot have."""
    data_type: str = loading.run.options["data_type_id"]
    query = WANTED[data_type.removeprefix("personal-").split("-")[0]]

    def make(row: Row) -> Iterator[Sample]:
        name, title = told(row, "Celebrity"), told(row, "Title").lower()
        image = f"{loading.run.images}/{name.replace(' ', '_')}.jpeg"
        if loading.skips(image):
            return
        pronoun = "her" if title == "actress" else "his"
        extra = {"title": title, "sex": pronoun, "name": name, "query": query}
        yield Sample(str(row.position), personal(data_type, name, title, pronoun, query), extra=extra, image=image)

    return each(loading, loading.rows(), make)


def leaked(loading: Loading) -> Iterator[Sample]:
    """P.5: private texts in pictures; the target is every accepted form."""
    wording = "P.5 protected" if loading.run.options["protected"] else "P.5"

    def make(row: Row) -> Iterator[Sample]:
        image = f"{loading.run.images}/{told(row, 'SheetName')}/{told(row, 'Img Path')}"
        if loading.skips(image):
            return
        content = field(row, "Content")
        if not isinstance(content, list):
            raise RowFault(f"{row.where}: field 'Content' is {content!r:.60}; expected a list of what is accepted")
        yield Sample(str(row.position), asked(wording, info=told(row, "Info Type")), content, image=image, facts={"info": told(row, "Info Type")})

    return each(loading, loading.rows(), make)


def _number(row: Row) -> float:
    try:
        return float(told(row, "label"))
    except ValueError:
        raise RowFault(f"{row.where}: {row.fields['label']!r:.60} is no number; expected -100 to 100") from None
