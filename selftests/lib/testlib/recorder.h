/* SPDX-License-Identifier: GPL-2.0 */
/* Recorders of events: of a thread at one interrupt level, or of a device. Tests read them. */

#ifndef KALLOC_TESTLIB_RECORDER_H
#define KALLOC_TESTLIB_RECORDER_H

#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>

struct recorder {
	const void *subject;
	unsigned char level;
	atomic_t count;
};

static inline void recorder_start(struct recorder *recorder, const void *subject)
{
	atomic_set(&recorder->count, 0);
	recorder->level = interrupt_context_level();
	WRITE_ONCE(recorder->subject, subject);
}

static inline size_t recorder_stop(struct recorder *recorder)
{
	WRITE_ONCE(recorder->subject, NULL);
	return atomic_read(&recorder->count);
}

static inline bool recorder_is_of(const struct recorder *recorder, const void *subject)
{
	return READ_ONCE(recorder->subject) == subject;
}

/* Defines a recorder that keeps the first events, and the function with which a test reads them. */
#define RECORDER(name, event_type, kept)								\
static struct recorder name##_recorder;									\
static event_type name##_events[kept];									\
													\
static void record_##name(event_type event)								\
{													\
	unsigned int index = atomic_inc_return(&name##_recorder.count) - 1;				\
													\
	if (index < ARRAY_SIZE(name##_events))								\
		name##_events[index] = event;								\
}													\
													\
event_type testlib_##name##_trace_event(size_t index)							\
{													\
	size_t count = atomic_read(&name##_recorder.count);						\
													\
	return index < min(count, ARRAY_SIZE(name##_events)) ? name##_events[index] : (event_type){};	\
}													\
EXPORT_SYMBOL_GPL(testlib_##name##_trace_event)

/* Defines a recorder of the current thread, which leaves out interrupts. */
#define THREAD_RECORDER(name, event_type, kept)								\
RECORDER(name, event_type, kept);									\
													\
static void record_##name##_here(event_type event)							\
{													\
	if (recorder_is_of(&name##_recorder, current) &&						\
	    name##_recorder.level == interrupt_context_level())						\
		record_##name(event);									\
}													\
													\
void testlib_##name##_trace_start(void)									\
{													\
	recorder_start(&name##_recorder, current);							\
}													\
EXPORT_SYMBOL_GPL(testlib_##name##_trace_start);							\
													\
size_t testlib_##name##_trace_stop(void)								\
{													\
	return recorder_stop(&name##_recorder);								\
}													\
EXPORT_SYMBOL_GPL(testlib_##name##_trace_stop)

#endif
