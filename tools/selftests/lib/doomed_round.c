// SPDX-License-Identifier: GPL-2.0
/* A round of the stress of death, and its outcome. */
#include <sched.h>
#include <time.h>

#include "doomed_vmm.h"
#include "host_state.h"

#define NOT_WRITTEN	0xeeeeeeeeU
/* Delays are 2^16 ns, 66 us, to 2^26 ns, 67 ms, each octave as often. */
#define FIRST_OCTAVE	16
#define NR_OCTAVES	10

/* splitmix64: a step adds an odd constant, and the result is that, mixed. */
static uint64_t draw(uint64_t *state)
{
	uint64_t word = *state += 0x9e3779b97f4a7c15ULL;

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
	return word ^ (word >> 31);
}

static uint64_t draw_below(uint64_t *state, uint64_t bound)
{
	return draw(state) % bound;
}

static bool draw_one_in(uint64_t *state, uint64_t nr)
{
	return !draw_below(state, nr);
}

static uint64_t draw_delay(uint64_t *state)
{
	uint64_t octave = 1ULL << (FIRST_OCTAVE + draw_below(state, NR_OCTAVES));

	return (octave + draw_below(state, octave)) * slowness();
}

static unsigned int draw_ring_flags(uint64_t *state)
{
	static const unsigned int flags[] = {
		0,
		IORING_SETUP_SQPOLL,
		IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};

	return flags[draw_below(state, ARRAY_SIZE(flags))];
}

static void draw_options(struct doomed_job *job, uint64_t *state, bool vcpu_runs)
{
	if (draw_one_in(state, 4))
		job->batch.flags |= KVM_MAP_MEMORY_KEEP_HELPERS;
	/* Beside a vCPU that never rests it would take for ever. */
	if (draw_one_in(state, 4) && !vcpu_runs)
		job->batch.flags |= KVM_MAP_MEMORY_BACKGROUND;
	job->progress_in_guest = draw_one_in(state, 4);
}

static void draw_job(struct doomed_job *job, uint64_t *state, bool vcpu_runs)
{
	const uint64_t pages = DOOMED_SIZE / PAGE_SIZE;
	uint64_t first = draw_one_in(state, 2) ? 0 : draw_below(state, pages);
	uint64_t nr = draw_one_in(state, 2) ? pages - first :
		      1 + draw_below(state, pages - first);

	/* Half of them; the ioctl on a vCPU would wait for it to come out. */
	job->entry = draw_one_in(state, 2) ? ENTRY_URING :
		     draw_one_in(state, 2) && !vcpu_runs ? ENTRY_VCPU : ENTRY_IOCTL;
	job->ring_flags = draw_ring_flags(state);
	job->asked.base_address = TEST_GPA + first * PAGE_SIZE;
	job->asked.size = nr * PAGE_SIZE;
	job->asked.flags = draw_one_in(state, 8) ? KVM_MEMORY_MAPPING_READ : 0;
	job->mapping = job->asked;
	map_batch_init(&job->batch, &job->mapping, 1, 1 + draw_below(state, 8));
	job->batch.first_undone = NOT_WRITTEN;
	draw_options(job, state, vcpu_runs);
}

void doomed_round_draw(struct doomed_round *round, uint64_t seed, uint64_t nr)
{
	uint64_t state = seed ^ (nr * 0x2545f4914f6cdd1dULL);
	unsigned int i;

	memset(round, 0, sizeof(*round));
	round->seed = draw(&state);
	/* All of them in turn, so that a short run has each. */
	round->death = nr % NR_DEATHS;
	round->backing = draw_below(&state, NR_BACKINGS);
	round->delay_ns = draw_delay(&state);
	/*
	 * A process whose threads all end without exit_group() is kept alive by
	 * KVM's own thread, which the first KVM_RUN makes, and by SQPOLL threads.
	 */
	round->vcpu_runs = round->death != DEATH_THREADS && round->death != DEATH_VM &&
			   draw_one_in(&state, 3);
	round->nr_jobs = 1 + draw_below(&state, DOOMED_MAX_JOBS);
	for (i = 0; i < round->nr_jobs; i++)
		draw_job(&round->jobs[i], &state, round->vcpu_runs);
	/* One at least that it matters to. */
	if (round->death == DEATH_RINGS || round->death == DEATH_CANCEL)
		round->jobs[0].entry = ENTRY_URING;
	if (round->death == DEATH_SIGNALS)
		round->jobs[0].entry = ENTRY_IOCTL;
	for (i = 0; round->death == DEATH_THREADS && i < round->nr_jobs; i++)
		round->jobs[i].ring_flags &= ~IORING_SETUP_SQPOLL;
}

static bool written(const struct doomed_job *job)
{
	return READ_ONCE(job->batch.first_undone) != NOT_WRITTEN;
}

enum stage doomed_round_stage(const struct doomed_round *round)
{
	enum stage stage = STAGE_BEFORE;
	unsigned int i;

	for (i = 0; i < round->nr_jobs; i++) {
		if (!READ_ONCE(round->jobs[i].handed_in))
			continue;
		if (!READ_ONCE(round->jobs[i].returned) && !written(&round->jobs[i]))
			return STAGE_DURING;
		stage = STAGE_AFTER;
	}
	return stage;
}

unsigned int doomed_round_cut_short(const struct doomed_round *round)
{
	unsigned int i, nr = 0;

	for (i = 0; i < round->nr_jobs; i++) {
		const struct kvm_memory_mapping *left = &round->jobs[i].mapping;

		nr += left->size && left->size < round->jobs[i].asked.size;
	}
	return nr;
}

/* Results are written after the progress, whoever dies meanwhile. */
static bool progress_is_consistent(const struct doomed_job *job)
{
	const struct kvm_map_memory_progress *progress = &job->progress;

	if (job->progress_in_guest || job->entry == ENTRY_VCPU)
		return true;
	if (progress->bytes_mapped + progress->bytes_present +
	    progress->bytes_skipped > progress->bytes_total)
		return false;
	return !written(job) || (progress->bytes_total == job->asked.size &&
				 progress->bytes_mapped == job->batch.bytes_mapped &&
				 progress->bytes_present == job->batch.bytes_present &&
				 progress->bytes_skipped == job->batch.bytes_skipped);
}

/* A job that returned, or was cut short, or neither: what is left is a whole. */
bool doomed_round_is_consistent(const struct doomed_round *round)
{
	unsigned int i;

	for (i = 0; i < round->nr_jobs; i++) {
		const struct doomed_job *job = &round->jobs[i];
		const struct kvm_memory_mapping *asked = &job->asked, *left = &job->mapping;

		if (left->size > asked->size || left->flags != asked->flags ||
		    left->base_address + left->size != asked->base_address + asked->size)
			return false;
		if (job->returned && !job->result && left->size)
			return false;
		if (written(job) && job->batch.first_undone != (left->size ? 0 : 1))
			return false;
		if (!progress_is_consistent(job))
			return false;
	}
	return true;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void doomed_round_delay(const struct doomed_round *round)
{
	const uint64_t start = now_ns(), fine = 1000000;

	if (round->awaits_job) {
		while (doomed_round_stage(round) == STAGE_BEFORE)
			sched_yield();
		return;
	}
	/* Spinning takes the CPU from the jobs, sleeping is not exact. */
	if (round->delay_ns > 2 * fine)
		usleep((round->delay_ns - fine) / 1000);
	while (now_ns() - start < round->delay_ns)
		;
}
