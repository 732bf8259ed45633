// SPDX-License-Identifier: GPL-2.0

#include <linux/device.h>
#include <linux/pci.h>

#include "helpers.h"

/* Whether the device has vectors of MSI or MSI-X. */
bool kalloc_helper_pci_has_msi(struct pci_dev *pdev)
{
	return pdev->msi_enabled || pdev->msix_enabled;
}

/* Its entry marks a device that has vectors, legacy ones too, of which the device itself says nothing. */
static void kalloc_pci_vectors(struct device *dev, void *res)
{
}

/* Marks the device, for one caller. */
int kalloc_helper_pci_take_vectors(struct pci_dev *pdev)
{
	void *mark = devres_alloc(kalloc_pci_vectors, 0, GFP_KERNEL);

	if (!mark)
		return -ENOMEM;
	/* Adds it or, where there is one, frees it, under one lock. */
	return devres_get(&pdev->dev, mark, NULL, NULL) == mark ? 0 : -EBUSY;
}

void kalloc_helper_pci_put_vectors(struct pci_dev *pdev)
{
	devres_destroy(&pdev->dev, kalloc_pci_vectors, NULL, NULL);
}
