"""Coverage: Forge's report is read as it is meant, and a gap without an explanation is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import coverage

REPORT = """TN:
SF:contracts/Vault.sol
DA:10,3
DA:11,0
BRDA:10,0,0,2
BRDA:12,1,0,-
end_of_record
SF:contracts/Empty.sol
end_of_record
"""
SOURCE = """contract Vault {
    function sum() external {
        uint256 total;
        assembly ("memory-safe") {
            if iszero(total) {
                total := 1
            }
        }
        return total;
    }
}
"""
DOCUMENT = """## How it is checked

| `Vault.sol` | `not here` | another table |

### Coverage gaps

| File | Code | Why |
|---|---|---|
| `Vault.sol` | `total = 0` | cannot happen |

## Next
| `Vault.sol` | `nor here` | another table |
"""


def test_parse__lines_and_branches__are_counted_by_file() -> None:
    found = coverage.parse(REPORT.splitlines())
    assert found["contracts/Vault.sol"] == coverage.Coverage({10: 3, 11: 0}, [(10, 2), (12, 0)])
    assert found["contracts/Vault.sol"].gaps() == [11, 12]
    assert found["contracts/Empty.sol"].gaps() == []


def test_parse__record_before_any_file__is_refused() -> None:
    with pytest.raises(ValueError, match="lcov"):
        coverage.parse(["DA:1,1"])


def test_assembly_lines__block_with_a_block_in_it__are_all_of_it() -> None:
    assert coverage.assembly_lines(SOURCE) == {4, 5, 6, 7, 8}


def test_without__lines_left_out__count_on_neither_side() -> None:
    left = coverage.Coverage({3: 1, 5: 0}, [(5, 0), (9, 1)]).without({4, 5, 6})
    assert left == coverage.Coverage({3: 1}, [(9, 1)])


def test_explanations__document__are_those_of_its_own_table() -> None:
    assert coverage.explanations(DOCUMENT) == [("Vault.sol", "total = 0")]


@pytest.mark.parametrize(
    ("gaps", "messages"),
    [
        ({"Vault.sol": ["total = 0;"]}, 0),
        ({"Vault.sol": ["total = 0;", "total = 1;"]}, 1),
        ({"Vault.sol": []}, 1),
        ({"Other.sol": ["total = 0;"]}, 2),
    ],
)
def test_unexplained__gaps__need_a_row_each_and_no_row_more(gaps: dict[str, list[str]], messages: int) -> None:
    assert len(coverage.unexplained(gaps, [("Vault.sol", "total = 0")])) == messages


@pytest.mark.parametrize(("runs", "status"), [(95, 0), (94, 1)])
def test_main__share_of_lines__decides(
    runs: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = "".join(f"DA:{line},{int(line <= runs)}\n" for line in range(1, 101))
    report = tmp_path / "coverage.lcov"
    report.write_text(f"SF:contracts/Vault.sol\n{counts}end_of_record\n", encoding="utf-8")
    for name, text in (("contracts/Vault.sol", "total;\n" * 100), ("docs/security.md", DOCUMENT)):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["coverage", str(report)])
    assert coverage.main() == status
    printed = capsys.readouterr()
    assert f"{runs}.0%" in printed.out and "not explained: Vault.sol: total;" in printed.out
    assert ("less than 95%" in printed.err) == bool(status)
