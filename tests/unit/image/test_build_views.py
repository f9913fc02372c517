"""Several images at once: what they share is read once, what each one keeps is its own."""

import io
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest

from compatbuild.errors import ImageError
from compatbuild.image import build
from compatbuild.image.build import Parts, build_view, build_views
from compatbuild.image.config import parse_config
from compatbuild.image.decompress import Readable
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageView
from tests.builders.images import blob_layer, image_config
from tests.builders.layers import Layer, file, layer

SOME = Interests((FileInterest("/etc/*"),), elf=True)
SHARED = layer(file("etc/a"), file("opt/app/one", b"#!1"), file("opt/app/two", b"#!2"))


class Reads:
    """Counts how often each layer is opened."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def opened(self, one: Layer) -> Callable[[], AbstractContextManager[Readable]]:
        def open_it() -> AbstractContextManager[Readable]:
            self.count[one.diff_id] += 1
            return io.BytesIO(one.blob)

        return open_it

    def parts(self, layers: Sequence[Layer], **runtime: Any) -> Parts:
        config = parse_config(image_config(layers, runtime), DEFAULT)
        return Parts(config, [blob_layer(one, open=self.opened(one)) for one in layers])


def views(images: Sequence[Parts]) -> list[ImageView]:
    with closing(build_views(images, SOME)) as found:
        return list(found)


def alone(image: Parts) -> ImageView:
    return build_view(image.config, image.layers, SOME)


def test_a_shared_layer_is_read_once_and_every_view_is_as_if_alone() -> None:
    reads, others = Reads(), [layer(file("etc/b", name)) for name in (b"1", b"2", b"3")]
    images = [reads.parts([SHARED, own]) for own in others]
    assert views(images) == [alone(Reads().parts([SHARED, own])) for own in others]
    assert reads.count == {one.diff_id: 1 for one in (SHARED, *others)}


def test_images_that_start_differently_keep_different_files() -> None:
    reads = Reads()
    images = [reads.parts([SHARED], Entrypoint=[f"/opt/app/{name}"]) for name in ("one", "two")]
    one, two = views(images)
    assert ("/opt/app/one" in one.files, "/opt/app/two" in one.files) == (True, False)
    assert ("/opt/app/one" in two.files, "/opt/app/two" in two.files) == (False, True)
    assert reads.count[SHARED.diff_id] == 2


def test_the_same_image_twice_is_read_once() -> None:
    reads = Reads()
    one, two = views([reads.parts([SHARED, SHARED])] * 2)
    assert one == two
    assert reads.count[SHARED.diff_id] == 1


def test_an_image_is_begun_when_the_one_before_it_is_done() -> None:
    reads, second = Reads(), layer(file("second"))
    with closing(build_views([reads.parts([SHARED]), reads.parts([SHARED, second])], SOME)) as found:
        next(found)
        assert reads.count[second.diff_id] == 0
        next(found)
        assert reads.count[second.diff_id] == 1


def test_a_damaged_layer_of_the_second_image_leaves_the_first() -> None:
    bad = Layer(SHARED.blob[:-10], layer(file("x")).diff_id, SHARED.media_type)
    with closing(build_views([Reads().parts([SHARED]), Reads().parts([bad])], SOME)) as found:
        assert next(found).files
        with pytest.raises(ImageError):
            next(found)


@pytest.mark.parametrize("held", [0, 10, 1 << 30])
def test_layers_are_put_off_while_too_much_waits_for_its_turn(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MAX_HELD", held)
    layers = [layer(file("etc/a", b"%d" % number * 50), file(f"etc/{number}", bytes(number))) for number in range(1, 9)]
    order: list[str] = []

    class Ordered(Reads):
        def opened(self, one: Layer) -> Callable[[], AbstractContextManager[Readable]]:
            opened = super().opened(one)

            def open_it() -> AbstractContextManager[Readable]:
                order.append(one.diff_id)
                return opened()

            return open_it

    images = [Ordered().parts(layers), Ordered().parts([*layers[:3], layer(file("etc/b"))])]
    assert views(images) == [alone(Reads().parts(layers)), alone(Reads().parts([*layers[:3], layer(file("etc/b"))]))]
    assert len(order) == 9
    if not held:  # nothing is read ahead, so each is read at its turn
        assert order[:8] == [one.diff_id for one in layers]
