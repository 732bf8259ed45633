// SPDX-License-Identifier: GPL-2.0

#include <linux/pci.h>

/* Whether the device has vectors of MSI or MSI-X. */
bool kalloc_helper_pci_has_msi(struct pci_dev *pdev)
{
	return pdev->msi_enabled || pdev->msix_enabled;
}
