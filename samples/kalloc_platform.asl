/* SPDX-License-Identifier: GPL-2.0 */
/* Devices as firmware describes them, of kalloc_platform and of template/: an SSDT for QEMU's -acpitable. */

DefinitionBlock ("", "SSDT", 2, "KALLOC", "PLATFORM", 1)
{
	Scope (\_SB)
	{
		Device (KAL0)
		{
			Name (_HID, "KALL0001")
		}
		Device (KAL1)
		{
			Name (_HID, "KALL0002")
		}
	}
}
