# SPDX-License-Identifier: BSD-2-Clause
"""Mends a copy of the source of Bochs, so that Linux offers its AMX to programs and programs get right sums.

    python3 mend_bochs.py FOLDER      the folder that has cpu/ in it

Bochs as of August 2026 has five faults around AMX. The names are those of Intel's manual.
- It has no IA32_XFD. By this register Linux keeps the unit from programs that have not asked for it. Without it Linux offers no AMX.
- TDPBUSD takes the second bytes as unsigned. They are signed.
- STTILECFG and XSAVE write the rows of a register where its bytes a row belong, and the other way round.
- XSAVE leaves registers out when they are in use, and writes them when they are not.
- XSAVE and XRSTOR know 8 of the 16 rows of a register. So a thread that Linux let wait found zeros in the others.
A mend that does not find its place is an error: the version of Bochs is another, and has to be looked at.
"""
import re
import sys
from pathlib import Path

STATE = "Bit64u vit_xfd%s, vit_xfd_err%s;\n#define LOG_THIS"
XFD = "case BX_MSR_IA32_XFD: %s break;\n    case BX_MSR_IA32_XFD_ERROR: %s break;\n    "
REFUSE = "if (vit_xfd & BX_XCR0_XTILEDATA_MASK) { vit_xfd_err |= BX_XCR0_XTILEDATA_MASK; exception(BX_NM_EXCEPTION, 0); }\n  "
KNOWN = 'msr_desc[%s] = new MSR_Descriptor("%s", BX_ISA_AMX);\n  '

# File, what is there (a regular expression that is found once), what is put there.
MENDS = (
    ("proc_ctrl.cc", r"#define LOG_THIS", STATE % (" = 0", " = 0")),
    ("proc_ctrl.cc", r"(XTILECFG_MASK \| BX_XCR0_XTILEDATA_MASK\)\) != 0)(\)\s+clear_amx_ok)",
     r"\1 || (vit_xfd & BX_XCR0_XTILEDATA_MASK) != 0\2"),
    ("proc_ctrl.cc", r"(BX_CPU_C::BxNoAMX\b[^}]*?)(BX_ASSERT\(0\))", r"\1" + REFUSE + r"\2"),
    ("msr.cc", r"#define LOG_THIS", "extern " + STATE % ("", "")),
    ("msr.cc", r"case BX_MSR_XSS:\s+(?=val64 =)", XFD % ("val64 = vit_xfd;", "val64 = vit_xfd_err;") + r"\g<0>"),
    ("msr.cc", r"case BX_MSR_XSS:(?!\s+val64)",
     XFD % ("vit_xfd = val_64; handleAvxModeChange();", "vit_xfd_err = val_64;") + r"\g<0>"),
    ("msr.cc", r"msr_desc\[BX_MSR_XSS\]", KNOWN % ("BX_MSR_IA32_XFD", "IA32_XFD") +
     KNOWN % ("BX_MSR_IA32_XFD_ERROR", "IA32_XFD_ERR") + r"\g<0>"),
    ("cpuid.cc", r"(leaf->eax \|= \(1<<3\);\n)(\s+// EBX)",
     r"\1    if (is_cpu_extension_supported(BX_ISA_AMX)) leaf->eax |= (1<<4);\n\2"),
    ("crregs.cc", r"(XTILEDATA_BIT\]\.attr\s*= BX_XSAVE_ALIGN64)(?=;)", r"\1 | BX_XSAVE_XFD_SUPPORT"),
    ("avx/amx.cc", r"(Bit32u DPBDUS\b[^}]*\}[^}]*?)const Bit8u (ybyte\[4\] = \{)[^}]*\}",
     r"\1const Bit8s \2 Bit8s(y), Bit8s(y >> 8), Bit8s(y >> 16), Bit8s(y >> 24) }"),
    ("avx/amx.cc", r"Bit32u DPBDUS\b[^;]*;[^;]*;(?:[^;]*;){4}", lambda found: found[0].replace("Bit32u(xbyte", "Bit32s(xbyte")),
    ("xsave.cc", r"(vmm16u\(8\+n\)\s*= BX_CPU_THIS_PTR amx->tilecfg\[n\]\.)rows(;\s+tilecfg\.vmmubyte\(48\+n\)[^;]*\.)bytes_per_row",
     r"\1bytes_per_row\2rows"),
    ("xsave.cc", r"(?s)(row ?< ?)BX_TILE_REGISTERS(.*?row ?< ?)BX_TILE_REGISTERS", r"\1BX_TILE_MAX_ROWS\2BX_TILE_MAX_ROWS"),
    ("xsave.cc", r"(return \(BX_CPU_THIS_PTR amx->tile_use_tracker) == 0", r"\1 != 0"),
)


def main():
    for name, pattern, put in MENDS:
        path = Path(sys.argv[1]) / "cpu" / name
        text, n = re.subn(pattern, put, path.read_text(encoding="latin-1"))
        if n != 1:
            sys.exit(f"{path}: {n} places, not one, are like {pattern}: another version of Bochs?")
        path.write_text(text, encoding="latin-1")


main()
