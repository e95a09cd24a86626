// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mark.h"
#include "scenario.h"
#include "trial.h"
#include "units.h"

#define WARM_UP_SIZE (8 * MIB)

static FILE *open_json(const char *name)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "we") : stdout;

	if (!file)
		err(2, "%s", name);
	return file;
}

static int exit_status(const struct entries *entries)
{
	unsigned int i, measured = 0;

	for (i = 0; i < entries->nr; i++) {
		const struct entry *entry = &entries->list[i];

		if (entry->nr_samples)
			measured++;
		else if (entry->failure.kind != FAILURE_UNAVAILABLE)
			return 1;
	}
	return measured ? 0 : 2;
}

/* Has the host provide memory, where this is a virtual machine. */
static void warm_up_memory(uint64_t bytes)
{
	const struct memory_kind *kind = memory_kind_find("4k");
	struct failure failure;
	struct memory memory;

	if (kind->check(kind, bytes, &failure) < 0 ||
	    memory_map(&memory, kind, bytes, &failure) < 0)
		return;
	memory_populate(memory.host, memory.bytes, &failure);
	memory_unmap(&memory);
}

/*
 * Things used for the first time cost more: pages of this program that have
 * to be read, code of the kernel, empty caches of its allocators.
 */
static void warm_up(const struct options *options, int kvm_fd)
{
	struct trial_result result;
	struct failure failure;
	unsigned int i;

	if (mlockall(MCL_CURRENT) < 0)
		warn("mlockall");
	/* Counting instructions, the host's part is not seen. */
	if (!options->instructions)
		warm_up_memory(options->size + options->size / 4);
	for (i = 0; options->peers[i]; i++) {
		const struct trial trial = {
			.peer = options->peers[i],
			.kind = memory_kind_find("4k"),
			.bytes = WARM_UP_SIZE,
			.workers = 1,
		};

		/* The real trials tell why it fails. */
		trial_run(&trial, kvm_fd, &result, &failure);
	}
}

/*
 * The first VM with a vCPU makes KVM patch the kernel's code, and so does the
 * end of the last one.  Emulators have been seen to miss that, and it is not
 * what is measured: one stays until the program ends.
 */
static void keep_kvm_in_use(int kvm_fd)
{
	static struct vm vm;
	struct failure failure;

	if (vm_create(&vm, kvm_fd, &failure) < 0 ||
	    vm_create_vcpus(&vm, 1, &failure) < 0)
		errx(2, "%s\n%s", failure.reason, failure.advice);
}

int main(int argc, char **argv)
{
	struct environment environment;
	struct entries entries = {};
	struct options options;
	struct failure failure;
	unsigned int round, i;
	int kvm_fd, status;
	FILE *json;

	MARK(MARK_PROGRAM);
	options_parse(&options, argc, argv);
	json = open_json(options.json_file);
	kvm_fd = kvm_open(&failure);
	if (kvm_fd < 0)
		errx(2, "%s\n%s", failure.reason, failure.advice);
	environment_read(&environment, kvm_fd);
	keep_kvm_in_use(kvm_fd);
	warm_up(&options, kvm_fd);
	/* Rounds, so that what disturbs the machine disturbs all of them. */
	for (round = 0; round < options.rounds; round++)
		for (i = 0; options.scenarios[i]; i++)
			options.scenarios[i]->round(&options, kvm_fd, &entries);
	close(kvm_fd);
	entries_print(json, &entries, options.instructions, &environment, argv);
	if (fflush(json) || ferror(json))
		err(1, "%s", options.json_file);
	status = exit_status(&entries);
	entries_free(&entries);
	return status;
}
