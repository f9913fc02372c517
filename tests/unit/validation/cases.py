"""Cases beyond those of the documentation: what each rule must find, and the near misses it must not."""


def one(feature: str, element: str, expression: str) -> str:
    """Return a term with one expression."""
    return f'- feature: "{feature}"\n  matchExpressions:\n    {element}: {expression}'


def named(feature: str, expression: str) -> str:
    """Return a term with ``matchName``."""
    return f'- feature: "{feature}"\n  matchName: {expression}'


def both(*terms: str) -> str:
    """Return several terms."""
    return "\n".join(terms)


def branches(outer: str, *terms: str) -> str:
    """Return a rule with one term and a ``matchAny`` of one term a branch."""
    lines = [f"    {line}" for line in outer.splitlines()]
    for term in terms:
        first, *rest = term.splitlines()
        lines += [f"    - matchFeatures:\n        {first}", *(f"        {line}" for line in rest)]
    text = "\n".join(lines)
    head, _, tail = text.partition("    - matchFeatures:")
    return f'- name: "branches"\n  matchFeatures:\n{head}  matchAny:\n    - matchFeatures:{tail}'


EXISTS = '{op: "Exists"}'
OVERLAY = one("kernel.loadedmodule", "overlay", EXISTS)
NODES = "memory.numa"


def nodes(expression: str) -> str:
    """Return a term over the number of NUMA nodes."""
    return one(NODES, "node_count", expression)


BROKEN: dict[str, list[str]] = {
    "always-true-rule": [
        '- name: "x"',
        '- name: "x"\n  matchAny: []',
        '- name: "x"\n  matchAny:\n    - matchFeatures: []',
        '- name: "x"\n  matchAny:\n    - {}',
    ],
    "config-prefix": [
        one("kernel.config", "CONFIG_BPF", EXISTS),
        named("kernel.config", '{op: "In", value: ["BPF", "CONFIG_BPF"]}'),
    ],
    "config-value-n": [
        one("kernel.config", "BPF", '{op: "In", value: ["y", "n"]}'),
        one("kernel.config", "BPF", '{op: "NotIn", value: ["n"]}'),
        one("kernel.config", "BPF", '{op: "In", value: [n]}'),
    ],
    "does-not-exist-instance": [one("usb.device", "serial", '{op: "DoesNotExist"}')],
    "duplicate-key": [
        '- name: "x"\n  name: "y"\n  matchFeatures:\n    - feature: "pci.device"',
        one("kernel.loadedmodule", "overlay", EXISTS) + "\n    overlay: " + EXISTS,
    ],
    "empty-document": [
        "",
        "# nothing\n",
        "null\n",
        "version: v1alpha1\n",
        "version: v1alpha1\ncompatibilities:\n",
        "{}",
    ],
    "empty-term": ['- feature: "pci.device"\n  matchExpressions: {}'],
    "feature-case": [one("CPU.CPUID", "AVX2", EXISTS)],
    "hyphenated-module": [
        named("kernel.loadedmodule", '{op: "In", value: ["vfio-pci"]}'),
        one("kernel.loadedmodule", "vfio-pci", '{op: "DoesNotExist"}'),
    ],
    "ignored-type": [one("local.label", "a", '{op: "Exists", type: "version"}')],
    "invalid-regex": [
        one("kernel.version", "full", '{op: "InRegexp", value: ["^5", "("]}'),
        one("local.label", "a", r'{op: "InRegexp", value: ["^a\\Z"]}'),
        one("local.label", "a", r'{op: "InRegexp", value: ["(a)\\1"]}'),
        one("local.label", "a", r'{op: "InRegexp", value: ["a{1001}"]}'),
        one("local.label", "a", r'{op: "InRegexp", value: ["(\\pL{100}){100}"]}'),
        named("kernel.loadedmodule", '{op: "InRegexp", value: ["(?<!x)y"]}'),
    ],
    "invalid-version": [
        one("local.label", "a", f'{{op: "Ge", value: ["{version}"], type: "version"}}')
        for version in ("5.14.0-427.el9_4", "V5", "5.", "", "5.1.2.3", " 5", "1.0.0-01")
    ],
    "kernel-version-parts": [
        one("kernel.version", "minor", '{op: "Ge", value: ["10"]}'),
        one("kernel.version", "revision", EXISTS),
    ],
    "kernel-version-type": [
        one("kernel.version", "full", '{op: "GtLt", value: ["5.10", "6.8"], type: "version"}'),
        one("Kernel.Version", "full", '{op: "Lt", value: ["6.8"], type: "version"}'),
    ],
    "match-name-negation": [named("kernel.config", '{op: "DoesNotExist"}')],
    "missing-op": [
        one("cpu.cpuid", "AVX2", "{}"),
        one("cpu.cpuid", "AVX2", '{op: ""}'),
        named("cpu.cpuid", '{value: ["AVX2"]}'),
    ],
    "non-numeric-bound": [
        nodes(f'{{op: "Ge", value: ["{bound}"]}}') for bound in ("", "0x10", "1.5", "1_000", "9" * 19, "٣")
    ],
    "operator-arity": [
        nodes('{op: "Ge"}'),
        nodes('{op: "GtLt", value: ["1"]}'),
        one("pci.device", "vendor", '{op: "In", value: []}'),
        one("pci.device", "vendor", '{op: "Exists", value: [""]}'),
        named("cpu.cpuid", '{op: "InRegexp"}'),
    ],
    "operator-kind": [
        one("kernel.loadedmodule", "overlay", '{op: "IsTrue"}'),
        one("kernel.config", "BPF", '{op: "IsTrue"}'),
        one("kernel.version", "full", '{op: "Ge", value: ["5.10"]}'),
        one("pci.device", "vendor", '{op: "Gt", value: ["10"]}'),
        one("pci.device", "vendor", '{op: "IsTrue"}'),
        one("memory.numa", "is_numa", '{op: "Gt", value: ["0"]}'),
        named("kernel.loadedmodule", '{op: "Gt", value: ["1"]}'),
        one("local.label", "nvidia.com/cuda.driver-version.full", '{op: "Ge", value: ["525"]}'),
    ],
    "pci-id-spelling": [
        one("pci.device", element, f'{{op: "{op}", value: ["{value}"]}}')
        for element, op, value in (
            ("vendor", "In", "0x10de"),
            ("vendor", "NotIn", "10DE"),
            ("class", "In", "03"),
            ("class", "In", "030200"),
            ("device", "In", "nvidia"),
        )
    ],
    "rule-matched": [one("rule.matched", "a", EXISTS)],
    "several-documents": ["version: v1alpha1\n---\n"],
    "several-rules": ['- name: "a"\n- name: "b"\n- name: "c"'],
    "several-sets": ["- rules: []\n- rules: []"],
    "unanchored-kernel-pattern": [one("kernel.version", "full", r'{op: "InRegexp", value: ["^6\\.", "5\\.10"]}')],
    "unknown-element": [
        one("kernel.version", "Full", EXISTS),
        one("cpu.cpuid", "avx2", EXISTS),
        one("cpu.cpuid", "QUANTUM_LEAP_ZZ", EXISTS),
        named("cpu.cpuid", '{op: "In", value: ["AVX2", "SSE4.1"]}'),
        one("pci.device", "driver", EXISTS),
    ],
    "unknown-feature": [
        one("kernel.modules", "overlay", EXISTS),
        one("gpu.device", "vendor", EXISTS),
        one("kernel", "x", EXISTS),
    ],
    "unquoted-scalar": [
        one("kernel.config", "HZ", "{op: In, value: [0200]}"),
        one("pci.device", "vendor", "{op: In, value: [0x10de]}"),
        one("system.osrelease", "VERSION_ID", "{op: In, value: [22.10]}"),
        one("kernel.config", "y", EXISTS),
        one("kernel.config", "0200", EXISTS),
        "- tag: yes\n  rules: []",
        '- name: "x"\n  vars: {a: on}',
        '- name: "x"\n  vars: {off: "a"}',
        "- name: 1.50",
        one("pci.device", "vendor", "{op: In, value: [!!int 010]}"),
        one("pci.device", "vendor", '{op: In, value: [!!int "x"]}'),
    ],
    "unsatisfiable": [
        nodes('{op: "GtLt", value: ["4", "2"]}'),
        nodes('{op: "GtLt", value: ["4", "5"]}'),
        nodes('{op: "GeLe", value: ["4", "4"]}'),
        one("local.label", "a", '{op: "GtLt", value: ["1.2", "1.2.1"], type: "version"}'),
        one("pci.device", "sriov_totalvfs", '{op: "GtLt", value: ["9", "3"]}'),
        both(nodes('{op: "In", value: ["1", "2"]}'), nodes('{op: "NotIn", value: ["1", "2", "3"]}')),
        both(nodes('{op: "In", value: ["1", "2"]}'), nodes('{op: "Gt", value: ["2"]}')),
        both(nodes('{op: "In", value: ["1"]}'), nodes('{op: "In", value: ["2"]}')),
        both(one("memory.numa", "is_numa", '{op: "IsTrue"}'), one("memory.numa", "is_numa", '{op: "IsFalse"}')),
        both(OVERLAY, one("kernel.loadedmodule", "overlay", '{op: "DoesNotExist"}')),
        both(nodes('{op: "Gt", value: ["2"]}'), nodes('{op: "Lt", value: ["9"]}'), nodes('{op: "Lt", value: ["3"]}')),
        branches(nodes('{op: "Gt", value: ["2"]}'), nodes('{op: "Lt", value: ["2"]}')),
    ],
    "vars-template": ['- name: "x"\n  varsTemplate: "a=b"'],
    "vendor-id-spelling": [
        one("cpu.model", "vendor_id", f'{{op: "In", value: ["{vendor}"]}}')
        for vendor in ("AuthenticAMD", "Amd", "intel", "arm")
    ],
    "weight-range": ["- weight: -1\n  rules: []", "- weight: 101\n  rules: []"],
    "unknown-key": [
        "- tag: a\n  weigth: 5\n  rules: []",
        '- name: "x"\n  labels: {a: "b"}',
        "- name: x\n  MatchFeatures: []",
    ],
    "missing-key": ["- tag: x", "compatibilities: [{rules: []}]"],
    "wrong-type": [
        "[]",
        "text",
        "version: v1alpha1\ncompatibilities: {}",
        '- weight: "5"\n  rules: []',
        "- weight: 5.5\n  rules: []",
        "- weight: yes\n  rules: []",
        one("pci.device", "vendor", ""),
        one("pci.device", "vendor", "{op: In, value: [~]}"),
    ],
    "wrong-value": [
        "version: v2\ncompatibilities: []",
        one("pci.device", "vendor", '{op: "Ge", value: ["1"], type: "semver"}'),
        one("pci.device", "vendor", "{op: exists}"),
        "- weight: 9223372036854775808\n  rules: []",
        "- rules: []",
    ],
    "not-yaml": ["a: [", "\x00", "a: *b", "a: &b [*b]", "%YAML 1.2\n---\na: b", "? [a]\n: b", "a: b: c", "<<: 5"],
}

SOUND: dict[str, list[str]] = {
    "always-true-rule": ['- name: "x"\n  matchFeatures: {}', branches(OVERLAY, OVERLAY)],
    "config-prefix": [
        one("kernel.config", "MY_CONFIG_X", EXISTS),
        one("kernel.loadedmodule", "CONFIG_X", EXISTS),
        named("kernel.config", '{op: "InRegexp", value: ["^CONFIG_"]}'),
    ],
    "config-value-n": [
        one("kernel.config", "BPF", '{op: "In", value: ["y", "m", "none"]}'),
        one("local.label", "a", '{op: "In", value: ["n"]}'),
    ],
    "does-not-exist-instance": [one("kernel.loadedmodule", "overlay", '{op: "DoesNotExist"}')],
    "duplicate-key": ["version: v1alpha1\nx: &x {tag: a}\ncompatibilities:\n- {<<: *x, tag: b, rules: []}"],
    "empty-document": ["version: v1alpha1\ncompatibilities: [{}]"],
    "empty-term": [named("kernel.config", EXISTS)],
    "feature-case": [one("kernel.version", "full", EXISTS)],
    "hyphenated-module": [
        one("kernel.enabledmodule", "vfio-pci", EXISTS),
        named("kernel.loadedmodule", '{op: "In", value: ["vfio_pci", "vfio-pci"]}'),
    ],
    "ignored-type": [one("local.label", "a", '{op: "Ge", value: ["5"], type: "version"}')],
    "invalid-regex": [
        one("local.label", "a", r'{op: "InRegexp", value: ["\\pL+\\z", "(?i)x", "[[:alpha:]]", "\\Qa.b\\E"]}'),
        one("local.label", "a", '{op: "In", value: ["("]}'),
    ],
    "invalid-version": [
        one("local.label", "a", f'{{op: "Ge", value: ["{version}"], type: "version"}}')
        for version in ("5", "v5.10", "535.104.05", "5.14.0-427.el9", "1.0.0+01")
    ],
    "kernel-version-parts": [one("system.osrelease", "VERSION_ID.major", EXISTS)],
    "kernel-version-type": [
        one("kernel.version", "full", '{op: "InRegexp", value: ["^6"], type: "version"}'),
        one("local.label", "full", '{op: "Ge", value: ["5"], type: "version"}'),
    ],
    "match-name-negation": [named("kernel.config", EXISTS), OVERLAY],
    "missing-op": [OVERLAY],
    "non-numeric-bound": [
        nodes(f'{{op: "Ge", value: ["{bound}"]}}') for bound in ("0", "+5", "-1", "007", "9223372036854775807")
    ],
    "operator-arity": [one("pci.device", "vendor", '{op: "Exists", value: []}'), nodes('{op: "Ge", value: "5"}')],
    "operator-kind": [
        one("cpu.cpuid", "AVX10_VERSION", '{op: "Ge", value: ["2"]}'),
        one("kernel.config", "HZ", '{op: "Ge", value: ["250"]}'),
        one("memory.numa", "is_numa", '{op: "IsTrue"}'),
        one("local.label", "feature.example/x", '{op: "IsTrue"}'),
        one("local.label", "nvidia.com/cuda.driver-version.full", '{op: "Ge", value: ["525"], type: "version"}'),
    ],
    "pci-id-spelling": [
        one("pci.device", "class", '{op: "InRegexp", value: ["^03"]}'),
        one("usb.device", "class", '{op: "In", value: ["0e"]}'),
        one("pci.device", "sriov_totalvfs", '{op: "In", value: ["8"]}'),
    ],
    "rule-matched": [OVERLAY],
    "several-documents": ["---\nversion: v1alpha1\ncompatibilities: []\n...\n"],
    "several-rules": ['- rules:\n    - name: "a"\n- rules:\n    - name: "b"'],
    "several-sets": ['- name: "a"\n- name: "b"'],
    "unanchored-kernel-pattern": [
        one("kernel.version", "full", r'{op: "InRegexp", value: ["^(5\\.10)", "\\A6"]}'),
        one("kernel.config", "CC_VERSION_TEXT", '{op: "InRegexp", value: ["gcc"]}'),
    ],
    "unknown-element": [
        one("kernel.config", "ANYTHING", EXISTS),
        one("local.feature", "any.thing/x", EXISTS),
        one("memory.hugepages", "hugepages-64Ki", EXISTS),
        one("pci.device", "iommu_group/type", EXISTS),
        named("kernel.loadedmodule", '{op: "In", value: ["anything"]}'),
    ],
    "unknown-feature": [one("Kernel.Version", "full", EXISTS)],
    "unquoted-scalar": [
        one("kernel.loadedmodule", "overlay", "{op: Exists}"),
        nodes("{op: Ge, value: [2]}"),
        nodes("{op: Ge, value: ['0200', \"y\"]}"),
        one("local.label", "a", "{op: In, value: [12:30:45, 2024-01-01, 5.10.1, 10de]}"),
        "- weight: 010\n  rules: []",
        one("pci.device", "vendor", "{op: In, value: [!!str 0200]}"),
    ],
    "unsatisfiable": [
        nodes('{op: "GtLt", value: ["4", "6"]}'),
        one("local.label", "a", '{op: "GeLe", value: ["1.2", "1.2.0"], type: "version"}'),
        both(nodes('{op: "Gt", value: ["2"]}'), nodes('{op: "Lt", value: ["4"]}')),
        # two devices may satisfy two terms
        both(
            one("pci.device", "vendor", '{op: "In", value: ["10de"]}'),
            one("pci.device", "vendor", '{op: "In", value: ["15b3"]}'),
        ),
        # two branches are alternatives
        branches(OVERLAY, nodes('{op: "Lt", value: ["2"]}'), nodes('{op: "Gt", value: ["2"]}')),
        both(nodes('{op: "Gt", value: ["x"]}'), nodes('{op: "Lt", value: ["y"]}')),
    ],
    "vars-template": ['- name: "x"\n  vars: {a: "b"}'],
    "vendor-id-spelling": [
        one("cpu.model", "vendor_id", '{op: "In", value: ["Intel", "AMD", "IBM_S390"]}'),
        one("cpu.model", "hypervisor", '{op: "In", value: ["intel"]}'),
    ],
    "weight-range": ["- weight: 1\n  rules: []", "- weight: 100\n  rules: []", "- weight: 0\n  rules: []"],
}
