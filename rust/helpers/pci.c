// SPDX-License-Identifier: GPL-2.0

#include <linux/device.h>
#include <linux/pci.h>

#include "helpers.h"

/* Returns true if MSI or MSI-X is enabled. */
bool kalloc_helper_pci_has_msi(struct pci_dev *pdev)
{
	return pdev->msi_enabled || pdev->msix_enabled;
}

/*
 * Release function of the devres entry that marks a device with allocated vectors. A pci_dev does
 * not record that it has allocated its legacy vector.
 */
static void kalloc_pci_vectors(struct device *dev, void *res)
{
}

/* Marks the device. Returns -EBUSY if it is marked already. */
int kalloc_helper_pci_take_vectors(struct pci_dev *pdev)
{
	void *mark = devres_alloc(kalloc_pci_vectors, 0, GFP_KERNEL);

	if (!mark)
		return -ENOMEM;
	/* Adds the mark, or frees it if the device has one, in one critical section. */
	return devres_get(&pdev->dev, mark, NULL, NULL) == mark ? 0 : -EBUSY;
}

void kalloc_helper_pci_put_vectors(struct pci_dev *pdev)
{
	devres_destroy(&pdev->dev, kalloc_pci_vectors, NULL, NULL);
}
