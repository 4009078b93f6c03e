"""A sheet as a hospital exports it: Chinese headers, GB18030, vitamin D in ng/mL, one age of 610 years."""

import tempfile
from pathlib import Path

from osteon.cohort.sources import checked
from osteon.core.errors import UnitError

SHEET = """病历号,性别,年龄,体重 (kg),25羟维生素D (ng/mL),血钙,股骨颈T值
A001,女,67,58,18,2.31,-2.7
A002,男,71,70,25,2.28,-1.4
A003,女,610,61,31,2.40,-1.9
A004,女,59,55,12,2.35,-2.5
"""

with tempfile.TemporaryDirectory() as folder:
    sheet = Path(folder) / "患者.csv"
    sheet.write_text(SHEET, encoding="gb18030")
    cohort = checked.read(sheet)
    print(cohort.table.to_string(index=False))
    print("\nwhat was done:")
    for change in cohort.log:
        print(" ", change)

    wrong = Path(folder) / "unit.csv"
    wrong.write_text("编号,25OHD\n" + "\n".join(f"{i},{18 + i % 9}" for i in range(60)), encoding="utf-8")
    try:
        checked.read(wrong)
    except UnitError as error:
        print("\nrefused:", str(error).replace(folder, "..."))
