"""Every rule by promtool: that it parses, and a case in which it speaks and one in which it is quiet."""

from __future__ import annotations

import copy
import pathlib

import pytest
import yaml

from tests.k8s.manifests import ROOT
from tests.k8s.monitoring.component import list_rules, name_rule, run_promtool

pytestmark = pytest.mark.monitoring
FOLDER = pathlib.Path(__file__).parent / "rules"
FILES = sorted(FOLDER.glob("*.yaml"))
NEVER, ALWAYS = "vector(1) > 2", 'label_replace(vector(1), "namespace", "m", "", "")'
NAMES = [
    name_rule(rule)
    for file in sorted((ROOT / "k8s/components/monitoring").glob("prometheusrule-*.yaml"))
    for rule in list_rules(yaml.safe_load(file.read_text())["spec"]["groups"])
]


def read_cases():
    """The cases of all files."""
    return [case for file in FILES for case in yaml.safe_load(file.read_text())["tests"]]


def write_cases(folder, groups):
    """The files of cases, each alert with all that its rule says of it, and the rules beside them."""
    alerts = {name_rule(rule): rule for rule in list_rules(groups) if "alert" in rule}
    # Else promtool takes the groups in any order, and an alert may look before what it reads is recorded.
    order = [group["name"] for group in sorted(groups, key=lambda group: "alert" in group["rules"][0])]
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    for file in FILES:
        content = yaml.safe_load(file.read_text())
        content["group_eval_order"] = order
        for case in content["tests"]:
            for check in case.get("alert_rule_test", ()):
                rule = alerts[check["alertname"]]
                for alert in check["exp_alerts"]:
                    for name in ("labels", "annotations"):
                        alert[f"exp_{name}"] = {**rule[name], **alert.get(f"exp_{name}", {})}
        (folder / file.name).write_text(yaml.safe_dump(content))
    return [folder / file.name for file in FILES]


def test_promtool_finds_nothing_wrong(rules, rules_file):
    ended = run_promtool("check", "rules", "--lint=all", "--lint-fatal", rules_file, cwd=rules_file.parent)
    assert ended.returncode == 0, ended.stdout
    assert f"{len(rules)} rules found" in ended.stdout


def test_the_rules_speak_when_they_must(groups, tmp_path):
    ended = run_promtool("test", "rules", *write_cases(tmp_path, groups), cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_has_a_case_in_which_it_speaks_and_one_in_which_it_is_quiet(name):
    spoken = set()
    for case in read_cases():
        for check in case.get("alert_rule_test", ()):
            if check["alertname"] == name:
                spoken.add(bool(check["exp_alerts"]))
        for check in case.get("promql_expr_test", ()):
            if name in check["expr"]:
                spoken.add(bool(check["exp_samples"]))
    assert spoken == {True, False}


@pytest.mark.parametrize("expression", [NEVER, ALWAYS], ids=["never", "always"])
@pytest.mark.parametrize("name", NAMES)
def test_the_cases_see_a_rule_that_speaks_never_or_always(name, expression, groups, tmp_path):
    broken = copy.deepcopy(groups)
    (rule,) = (rule for rule in list_rules(broken) if name_rule(rule) == name)
    rule["expr"] = expression
    files = [file for file in write_cases(tmp_path, broken) if name in file.read_text()]
    ended = run_promtool("test", "rules", *files, cwd=tmp_path)
    assert ended.returncode == 1
    assert "FAILED" in ended.stdout


def test_no_case_is_of_a_rule_that_is_gone(rules):
    checked = {check["alertname"] for case in read_cases() for check in case.get("alert_rule_test", ())}
    assert checked == {rule["alert"] for rule in rules if "alert" in rule}
