"""`dlbc-lab` as a stranger uses it: results on stdout, and messages with the programs' exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dlbc.cli import run_main
from dlbc.ml.model_file import load_model
from lab import matrix, tasks
from lab.cli import group
from lab.networks import NETWORKS
from lab.owner import Owner, secret_of, seed_of

TASK = """\
name: lab-digits
data: {train: train.npz, test: test.npz}
architecture: {name: lenet, width: 32}
metric: accuracy
minimum: 0.5
training: {seconds: 10}
fee: 1
"""


@pytest.fixture
def lab(capsys: pytest.CaptureFixture[str]):
    """Runs the command line; gives its exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            run_main(group, [str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


def test_methods__all__one_line_each_with_words(lab) -> None:
    code, out, _ = lab("methods", "--json")
    found = {name: words for name, _, words in json.loads(out)}
    assert code == 0
    assert {"ftal", "overwrite", "distil", "nothing"} <= set(found)
    assert all(len(words) > 10 for words in found.values())


def test_attack__overwrite__writes_the_model_and_tells_what_is_left(lab, model_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "stolen.safetensors"
    code, out, _ = lab(
        *("attack", "--method", "overwrite", "--task", "digits", "--architecture", "lenet", "--epochs", 1),
        *("--seed", seed_of(0).hex(), "--secret", "0x" + secret_of(0).hex(), "-o", output, "--json", model_file),
    )
    found = json.loads(out)
    assert code == 0
    assert found["epochs"] == 1
    assert found["after"]["related"] and found["after"]["z_private"] >= 8
    assert found["before"]["uchida_published"] == 0
    load_model(output, NETWORKS["lenet"], (1, 8, 8), 10, max_bytes=10**6)


def test_attack__for_people_without_a_seed__lineage_alone(lab, model_file: Path, tmp_path: Path) -> None:
    code, out, _ = lab(
        *("attack", "--method", "quantise+rotate", "--task", "digits", "--architecture", "lenet,width=32"),
        *("-o", tmp_path / "stolen.safetensors", model_file),
    )
    assert code == 0
    assert "flagged" in out and "present" not in out


def test_attack__against_the_original__evidence_is_of_the_original(lab, model_file: Path, tmp_path: Path) -> None:
    stolen = tmp_path / "stolen.safetensors"
    common = ("--task", "digits", "--architecture", "lenet", "--json")
    assert lab("attack", "--method", "noise", "--epochs", 1, *common, "-o", stolen, model_file)[0] == 0
    second = ("attack", "--method", "permute", *common, "-o", tmp_path / "further.safetensors", stolen)
    found = {
        given: json.loads(lab(*second, *given)[1])["before"]["cosine"] for given in ((), ("--against", model_file))
    }
    assert found[()] == pytest.approx(1.0, abs=1e-3)
    assert found["--against", model_file] < 0.99


def test_attack__task_yaml__brings_data_and_architecture(lab, model_file: Path, tmp_path: Path) -> None:
    digits = tasks.load("digits")
    for name, part in (("train", digits.train), ("test", digits.test)):
        np.savez(tmp_path / f"{name}.npz", x=part.x, y=part.y)
    (tmp_path / "task.yaml").write_text(TASK)
    code, out, _ = lab(
        *("attack", "--method", "permute", "--task", tmp_path / "task.yaml", "--json"),
        *("-o", tmp_path / "stolen.safetensors", model_file),
    )
    assert code == 0
    assert json.loads(out)["after"]["match"] == 1.0


def test_attack__bad_input__a_message_and_the_programs_exit_code(lab, model_file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(model_file.read_bytes()[:-4])
    usual = {
        "--method": "permute",
        "--task": "digits",
        "--architecture": "lenet",
        "-o": str(tmp_path / "stolen.safetensors"),
    }
    for changes, model, code, said in (
        ({"--method": "melt"}, model_file, 3, "'melt' is not known; choose of nothing, "),
        ({"--task": "cifar"}, model_file, 2, "neither one of digits, scenes nor a task.yaml"),
        ({"--architecture": "vgg"}, model_file, 2, "no architecture 'vgg'; there are mlp, lenet"),
        ({"--architecture": "lenet,width"}, model_file, 2, "write lenet,width=16"),
        ({"--architecture": "lenet,width=1"}, model_file, 3, "architecture.width: is 1"),
        ({"--architecture": "resnet"}, model_file, 4, "it was read as resnet,depth=8,width=16"),
        ({"--architecture": None}, model_file, 2, "give --architecture"),
        ({"--secret": "11" * 32}, model_file, 2, "--secret needs --seed"),
        ({"--seed": "11"}, model_file, 2, "64 hex digits"),
        ({"-o": str(model_file)}, model_file, 2, "name another file"),
        ({"-o": str(tmp_path)}, model_file, 2, "cannot be written"),
        ({}, damaged, 4, "damaged.safetensors"),
        ({}, tmp_path / "none.safetensors", 2, "no such model file"),
    ):
        options = [word for pair in {**usual, **changes}.items() if pair[1] is not None for word in pair]
        found, out, err = lab("attack", *options, model)
        assert (found, out) == (code, ""), (changes, err)
        assert said in err, (changes, err)
    assert not (tmp_path / "stolen.safetensors").exists()


def test_matrix__two_cells_then_plots__a_table_and_pictures(lab, folder: Path, tmp_path: Path) -> None:
    chosen = ("--only", "lenet", "--only", "shuffle", "--only", "quantise-4")
    code, out, err = lab("matrix", "--quick", *chosen, "-o", folder)
    assert code == 0
    assert "2 thefts: 2 flagged" in out and "quantise-4, 0 epochs" in err
    assert lab("matrix", "--quick", *chosen, "-o", folder)[2].startswith("2 of 2 cells are done already")
    code, _, err = lab("plot", "--from", folder, "-o", tmp_path / "pictures", "--saving", tmp_path / "none.json")
    assert code == 0
    assert (tmp_path / "pictures" / "digits-evidence.png").is_file()


def test_matrix__bad_words__before_anything_is_trained(lab, tmp_path: Path) -> None:
    code, _, err = lab("matrix", "--only", "vgg", "-o", tmp_path / "m")
    assert code == 2 and "no task, architecture or attack" in err
    assert not (tmp_path / "m").exists()


def test_plot__no_matrix_or_another_one__says_what_to_do(lab, tmp_path: Path) -> None:
    code, _, err = lab("plot", "--from", tmp_path)
    assert code == 2 and "make it with dlbc-lab matrix" in err
    (tmp_path / matrix.CSV_NAME).write_text("a,b\n1,2\n")
    code, _, err = lab("plot", "--from", tmp_path)
    assert code == 2 and "its columns differ" in err


def test_owner__kept_and_loaded__the_same_model(trained: tuple[Owner, Path]) -> None:
    owner, folder = trained
    again = matrix.owner("lenet", tasks.load("digits"), 0, folder / matrix.OWNERS)
    assert all((a == b).all() for a, b in zip(owner.model.parameters(), again.model.parameters(), strict=True))
    assert again.keys.public == owner.keys.public
