// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <liburing_kvm.h>
#include "meminfo.h"
#include "section.h"
#include "trial.h"

int trial_map_program(struct guest *guest, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	int ret;

	kvm_memory_mapping_init(&mapping, 0, guest->program.bytes, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, 1);
	ret = kvm_map_memory_batch_run(guest->vm.fd, &batch);
	if (ret < 0)
		return fail(failure, "mapping the guest's program: %s",
			    strerror(-ret));
	return 0;
}

static int prepare(const struct trial *trial, struct guest *guest,
		   struct trial_result *result, struct failure *failure)
{
	struct preparation preparation = {
		.guest = guest,
		.base = GUEST_MEMORY_BASE,
		.host = guest->memory.host,
		.bytes = guest->memory.bytes,
		.page_size = trial->kind->page_size,
		.workers_asked = trial->workers,
		.workers = trial->workers,
	};
	struct meminfo before, after;
	double start;
	int ret;

	meminfo_read(&before);
	start = section_begin();
	ret = trial->peer->prepare(&preparation, failure);
	result->seconds = section_end(start);
	meminfo_read(&after);
	vm_count_pages(&guest->vm, &result->pages);
	result->workers_used = preparation.workers_used;
	result->secondary_table_bytes = after.secondary_page_tables -
					before.secondary_page_tables;
	result->table_bytes = after.page_tables - before.page_tables;
	return ret;
}

static int guest_pass(struct guest *guest, struct trial_result *result,
		      struct failure *failure)
{
	uint64_t before = vm_faults(&guest->vm);

	if (guest_write_pages(guest, &result->guest_seconds, failure) < 0)
		return -1;
	result->faults_left = vm_faults(&guest->vm) - before;
	return guest_check_pages(guest, failure);
}

static int run_in(const struct trial *trial, struct guest *guest,
		  struct trial_result *result, struct failure *failure)
{
	unsigned int nr_vcpus = trial->workers;

	if (trial->resident &&
	    memory_populate(guest->memory.host, guest->memory.bytes,
			    failure) < 0)
		return -1;
	if (trial->peer->needs_vcpus &&
	    vm_create_vcpus(&guest->vm, nr_vcpus, failure) < 0)
		return -1;
	if (prepare(trial, guest, result, failure) < 0 ||
	    trial_map_program(guest, failure) < 0 ||
	    vm_create_vcpus(&guest->vm, 1, failure) < 0)
		return -1;
	return guest_pass(guest, result, failure);
}

int trial_run(const struct trial *trial, int kvm_fd,
	      struct trial_result *result, struct failure *failure)
{
	struct guest guest;
	int ret;

	memset(result, 0, sizeof(*result));
	memset(failure, 0, sizeof(*failure));
	if (trial->peer->check && trial->peer->check(kvm_fd, failure) < 0)
		return -1;
	if (trial->kind->check(trial->kind, trial->bytes, failure) < 0)
		return -1;
	ret = guest_create(&guest, kvm_fd, trial->kind, trial->bytes, failure);
	if (!ret)
		ret = run_in(trial, &guest, result, failure);
	guest_destroy(&guest);
	return ret;
}
