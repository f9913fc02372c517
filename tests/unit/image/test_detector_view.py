"""What a detector may ask of the names in an image, and of what its default program does."""

from dataclasses import replace

from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView, ImageView, Kind, Node
from compatbuild.model.finding import Confidence
from tests.builders.views import elf, image_view


def seen(view: ImageView) -> DetectorView:
    return DetectorView(image=view, detector="test", interests=Interests())


def test_names_are_those_of_files_that_match() -> None:
    view = image_view(elves={"/lib/modules/6.1/kernel/a.ko": elf(), "/lib/modules/6.1/b.txt": elf()})
    directory = {"/lib/modules/6.1/c.ko": Node(Kind.DIRECTORY, 0), "/lib/modules/6.1/d.ko": Node(Kind.SYMLINK, 0)}
    view = replace(view, nodes={**view.nodes, **directory, "/srv/e.ko": Node(Kind.FILE, 0)})
    assert list(seen(view).names("/lib/modules/**.ko")) == ["/lib/modules/6.1/kernel/a.ko"]
    assert list(seen(view).names("/lib/modules/6.1/b.txt")) == ["/lib/modules/6.1/b.txt"]
    assert list(seen(view).names("/**/*.ko")) == ["/lib/modules/6.1/kernel/a.ko", "/srv/e.ko"]


def test_links_are_followed_to_the_file_they_mean() -> None:
    view = image_view(elves={"/usr/sbin/xtables-nft-multi": elf()})
    link = Node(Kind.SYMLINK, 0, target="xtables-nft-multi")
    view = replace(view, nodes={**view.nodes, "/usr/sbin/iptables": link})
    assert seen(view).real_path("/usr/sbin/iptables") == "/usr/sbin/xtables-nft-multi"
    assert seen(view).real_path("/usr/sbin/ip6tables") is None


def test_what_is_reached_and_run_comes_in_order() -> None:
    commands = {("b",): Confidence.PROVEN, ("a", "1"): Confidence.LIKELY}
    reached = dict.fromkeys(("/b", "/a"), Confidence.PROVEN)
    view = replace(image_view(elves={"/b": elf(), "/a": elf()}, reached=reached), commands=commands)
    assert list(seen(view).reached()) == ["/a", "/b"]
    assert list(seen(view).commands()) == [(("a", "1"), Confidence.LIKELY), (("b",), Confidence.PROVEN)]
