/* SPDX-License-Identifier: GPL-2.0 */
/* A helper, for map_memory_helper.c, where it lives, and map_memory_reap.c. */
#ifndef __KVM_MAP_MEMORY_HELPER_H
#define __KVM_MAP_MEMORY_HELPER_H

#include "map_memory.h"

enum map_memory_helper_state {
	MAP_MEMORY_HELPER_NEW,
	MAP_MEMORY_HELPER_WORKING,
	MAP_MEMORY_HELPER_IDLE,
	MAP_MEMORY_HELPER_ENDING,
	MAP_MEMORY_HELPER_UNABLE,
	MAP_MEMORY_HELPER_ABSENT,
};

struct map_memory_helper {
	struct map_memory_pool *pool;
	struct vhost_task *vhost_task;
	/* The thread, or the maker of one that is ABSENT; and a list of a job's. */
	refcount_t users;

	/* Protected by pool->lock. */
	enum map_memory_helper_state state;
	/* In pool->idle, or in job->helpers, also after the job is detached. */
	struct list_head node;
	struct map_memory_job *job;
	unsigned long idle_until;
	/* Set once, by the thread at work; it goes to jobs of its kind alone. */
	bool background;
	/* Only the thread's while it works. */
	struct kvm_map_memory_context *context;
	struct map_memory_worker worker;
	/* The thread, with a reference, once it has run. */
	struct task_struct *task;

	/* In map_memory_ended. */
	struct list_head ended_node;
};

void kvm_map_memory_helper_put(struct map_memory_helper *helper);
void kvm_map_memory_reap_later(struct map_memory_helper *helper);
bool kvm_map_memory_end_thread(void);
bool kvm_map_memory_task_held(struct task_struct *task);
void kvm_map_memory_wait_gone(struct list_head *helpers, bool wait);

#endif /* __KVM_MAP_MEMORY_HELPER_H */
