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

/* When no vectors were allocated, or they have been freed. */
void kalloc_helper_pci_put_vectors(struct pci_dev *pdev)
{
	devres_destroy(&pdev->dev, kalloc_pci_vectors, NULL, NULL);
}

static void free_vectors(void *pdev)
{
	pci_free_irq_vectors(pdev);
}

/*
 * Frees the vectors at unbind. For vectors that have been allocated: their allocation adds a devres
 * entry of its own, which must be released later. Returns -ENOMEM if memory is short.
 */
int kalloc_helper_pci_keep_vectors(struct pci_dev *pdev)
{
	return devm_add_action(&pdev->dev, free_vectors, pdev);
}

/**
 * kalloc_helper_pci_free_vectors() - Free the vectors of a marked device.
 * @pdev: the device, after kalloc_helper_pci_keep_vectors()
 *
 * pci_free_irq_vectors() takes a mutex. Where the caller may not sleep, the device keeps its
 * vectors and its mark until it is unbound.
 *
 * Context: Any context.
 */
void kalloc_helper_pci_free_vectors(struct pci_dev *pdev)
{
	if (!may_sleep_here())
		return;
	devm_release_action(&pdev->dev, free_vectors, pdev);
	kalloc_helper_pci_put_vectors(pdev);
}
