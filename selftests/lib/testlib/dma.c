// SPDX-License-Identifier: GPL-2.0
/* What the DMA API does for a device. */

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/irqflags.h>
#include <linux/scatterlist.h>
#include <linux/tracepoint.h>
#include <trace/events/dma.h>

#include "../testlib.h"
#include "internal.h"
#include "recorder.h"

RECORDER(dma, struct testlib_dma_event, 256);
static unsigned int free_delay;

static void probe_dma(struct device *dev, struct testlib_dma_event event)
{
	if (!recorder_is_of(&dma_recorder, dev))
		return;
	event.in_interrupt = in_interrupt();
	event.irqs_disabled = irqs_disabled();
	event.in_worker = in_task() && current->flags & PF_WQ_WORKER;
	record_dma(event);
	if (event.kind == TESTLIB_DMA_FREE)
		mdelay(READ_ONCE(free_delay));
}

#define DMA_EVENT(_kind, _handle, _size, _dir, ...)								\
	probe_dma(dev, (struct testlib_dma_event){								\
		.kind = TESTLIB_DMA_##_kind, .handle = _handle, .size = _size, .dir = _dir, __VA_ARGS__ })

#define DMA_ALLOC(name, kind)											\
static void probe_##name(void *data, struct device *dev, void *virt, dma_addr_t handle, size_t size,		\
			 enum dma_data_direction dir, gfp_t gfp, unsigned long attrs)				\
{														\
	DMA_EVENT(kind, handle, size, dir, .gfp = gfp, .attrs = attrs, .is_uncached = virt && is_uncached(virt));	\
}
#define DMA_FREE(name, kind)											\
static void probe_##name(void *data, struct device *dev, void *virt, dma_addr_t handle, size_t size,		\
			 enum dma_data_direction dir, unsigned long attrs)					\
{														\
	DMA_EVENT(kind, handle, size, dir, .attrs = attrs);							\
}
#define DMA_SYNC(name, kind)											\
static void probe_##name(void *data, struct device *dev, dma_addr_t handle, size_t size,			\
			 enum dma_data_direction dir)								\
{														\
	DMA_EVENT(kind, handle, size, dir);									\
}
#define DMA_SYNC_SG(name, kind)											\
static void probe_##name(void *data, struct device *dev, struct scatterlist *sgl, int nents,			\
			 enum dma_data_direction dir)								\
{														\
	DMA_EVENT(kind, sg_dma_address(sgl), nents, dir);							\
}

DMA_ALLOC(dma_alloc, ALLOC)
DMA_FREE(dma_free, FREE)
DMA_ALLOC(dma_alloc_pages, ALLOC_PAGES)
DMA_FREE(dma_free_pages, FREE_PAGES)
DMA_SYNC(dma_sync_single_for_cpu, SYNC_FOR_CPU)
DMA_SYNC(dma_sync_single_for_device, SYNC_FOR_DEVICE)
DMA_SYNC_SG(dma_sync_sg_for_cpu, SYNC_SG_FOR_CPU)
DMA_SYNC_SG(dma_sync_sg_for_device, SYNC_SG_FOR_DEVICE)

static void probe_dma_map_phys(void *data, struct device *dev, phys_addr_t phys, dma_addr_t handle, size_t size,
			       enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(MAP, handle, size, dir, .attrs = attrs);
}

static void probe_dma_unmap_phys(void *data, struct device *dev, dma_addr_t handle, size_t size,
				 enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(UNMAP, handle, size, dir, .attrs = attrs);
}

static void probe_dma_map_sg(void *data, struct device *dev, struct scatterlist *sgl, int nents, int ents,
			     enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(MAP_SG, sg_dma_address(sgl), nents, dir, .attrs = attrs);
}

static void probe_dma_unmap_sg(void *data, struct device *dev, struct scatterlist *sgl, int nents,
			       enum dma_data_direction dir, unsigned long attrs)
{
	DMA_EVENT(UNMAP_SG, sg_dma_address(sgl), nents, dir, .attrs = attrs);
}

void testlib_dma_trace_start(const void *dev)
{
	recorder_start(&dma_recorder, dev);
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_start);

size_t testlib_dma_trace_stop(void)
{
	recorder_stop(&dma_recorder);
	/* Another CPU may be in the middle of an event. */
	tracepoint_synchronize_unregister();
	return testlib_dma_trace_count();
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_stop);

size_t testlib_dma_trace_count(void)
{
	return atomic_read(&dma_recorder.count);
}
EXPORT_SYMBOL_GPL(testlib_dma_trace_count);

void testlib_dma_slow_free(unsigned int milliseconds)
{
	WRITE_ONCE(free_delay, milliseconds);
}
EXPORT_SYMBOL_GPL(testlib_dma_slow_free);

struct testlib_probe testlib_dma_probes[] = {
	PROBE(dma_alloc, probe_dma_alloc),
	PROBE(dma_free, probe_dma_free),
	PROBE(dma_alloc_pages, probe_dma_alloc_pages),
	PROBE(dma_free_pages, probe_dma_free_pages),
	PROBE(dma_map_phys, probe_dma_map_phys),
	PROBE(dma_unmap_phys, probe_dma_unmap_phys),
	PROBE(dma_map_sg, probe_dma_map_sg),
	PROBE(dma_unmap_sg, probe_dma_unmap_sg),
	PROBE(dma_sync_single_for_cpu, probe_dma_sync_single_for_cpu),
	PROBE(dma_sync_single_for_device, probe_dma_sync_single_for_device),
	PROBE(dma_sync_sg_for_cpu, probe_dma_sync_sg_for_cpu),
	PROBE(dma_sync_sg_for_device, probe_dma_sync_sg_for_device),
	{}
};
