"""The wire types of NFD's image-compatibility specification, v1alpha1.

Field names are those of the wire (node-feature-discovery v0.19.0, ``api/image-compatibility/v1alpha1/spec.go`` and
``api/nfd/v1alpha1/types.go``). The models are strict where NFD is not; ``compatbuild.nfd.decode`` reads as NFD does.
"""

from typing import Final, Literal

from pydantic import Field

from compatbuild.model.base import Model

SPEC_ARTIFACT_TYPE: Final = "application/vnd.nfd.image-compatibility.v1alpha1"
SPEC_LAYER_MEDIA_TYPE: Final = "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml"
SPEC_VERSION: Final = "v1alpha1"


class Expression(Model):
    """One comparison; ``type`` ``version`` compares as semantic versions."""

    op: str
    value: tuple[str, ...] = ()
    type: str = ""


class Term(Model):
    """Expressions over one feature, all of which must hold; ``comment`` is written above it and never on the wire."""

    feature: str
    matchExpressions: dict[str, Expression] | None = None  # noqa: N815 - the wire's name
    matchName: Expression | None = None  # noqa: N815 - the wire's name
    comment: str = Field(default="", exclude=True)


class Branch(Model):
    """One alternative of a rule's ``matchAny``."""

    matchFeatures: tuple[Term, ...]  # noqa: N815 - the wire's name


class Rule(Model):
    """All terms of ``matchFeatures`` and one branch of ``matchAny`` (if there are any) must hold."""

    name: str
    vars: dict[str, str] = Field(default_factory=dict)
    varsTemplate: str = ""  # noqa: N815 - the wire's name
    matchFeatures: tuple[Term, ...] = ()  # noqa: N815 - the wire's name
    matchAny: tuple[Branch, ...] = ()  # noqa: N815 - the wire's name


class Compatibility(Model):
    """One set of rules; the weight orders sets, the tag lets a consumer pick some."""

    rules: tuple[Rule, ...]
    weight: int = 0
    tag: str = ""
    description: str = ""


class Spec(Model):
    """A whole specification."""

    version: Literal["v1alpha1"] = SPEC_VERSION
    compatibilities: tuple[Compatibility, ...] = ()
