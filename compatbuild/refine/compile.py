"""From a requirements document to the specification that NFD reads."""

from compatbuild.inference.rules import compile_set
from compatbuild.nfd.spec import Spec
from compatbuild.refine.document import RequirementsDocument

SEVERAL_SETS = (
    "the specification has several sets: NFD prints a verdict for each and none for all; a reader may ask for one of "
    "them or for all. Each preference repeats the requirements, so that it never admits a host that lacks them"
)


def compile_document(document: RequirementsDocument) -> tuple[Spec, tuple[str, ...]]:
    """Return the specification and notes for the author: what was left out or weakened, and what readers may differ on.

    The requirements become one set with one rule; each preference becomes one more, which asks for the requirements
    and for its own. Raises SpecError when a requirement cannot be encoded.
    """
    first = compile_set(
        document.requirements, name=document.tag, tag=document.tag, description=document.description, weight=0
    )
    further = [
        compile_set(
            (*document.requirements, *preference.requirements),
            name=preference.tag,
            tag=preference.tag,
            description=preference.description,
            weight=preference.weight,
        )
        for preference in document.preferences
    ]
    compiled = [first, *further]
    notes = [*(note for one in compiled for note in one.notes), *([SEVERAL_SETS] if further else [])]
    return Spec(compatibilities=tuple(one.compatibility for one in compiled)), tuple(dict.fromkeys(notes))
