/* SPDX-License-Identifier: GPL-2.0 */
/* The device of kalloc_platform, as firmware describes it: an SSDT for QEMU's -acpitable. */

DefinitionBlock ("", "SSDT", 2, "KALLOC", "PLATFORM", 1)
{
	Scope (\_SB)
	{
		Device (KAL0)
		{
			Name (_HID, "KALL0001")
		}
	}
}
