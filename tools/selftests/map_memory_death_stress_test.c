// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
// testvm:
// testvm: --cpus 4
// testvm: --cpus 16
// testvm: --cpu -la57
// testvm: --numa 2
// debug:
// debug: --cpus 4
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * VMMs that die by the hundred, in every way, at random moments of random jobs.
 * After each of them process, threads, VM and page tables have to be gone.
 *
 * A round is drawn from the seed and its number, and so can be repeated as far
 * as the machine's timing goes:
 *
 *   map_memory_death_stress_test --seed SEED --round NR --rounds TIMES [--await]
 */
#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "kselftest.h"

#include "lib/doomed_vmm.h"
#include "lib/host_state.h"
#include "lib/uffd_gate.h"

#define DEFAULT_SECONDS	12
/*
 * A run goes on until each death has struck so often during a job.  When its time
 * is over the deaths that chance has kept from it wait for a job to begin.
 */
#define MIN_DURING	2

static const struct {
	const char *name;
	/* The status that the VMM has to end with, as of wait(). */
	int status;
} deaths[NR_DEATHS] = {
	[DEATH_KILL] = { "SIGKILL", SIGKILL },
	[DEATH_STOP_AND_KILL] = { "SIGSTOP, then SIGKILL", SIGKILL },
	[DEATH_KILL_BUT_VM_HELD] = { "SIGKILL, and another process has VM and rings", SIGKILL },
	[DEATH_EXIT] = { "exit", DOOMED_EXIT << 8 },
	[DEATH_CORE] = { "core dump", SIGABRT },
	[DEATH_EXEC] = { "exec", DOOMED_EXIT << 8 },
	[DEATH_EXEC_BY_THREAD] = { "exec by a thread", DOOMED_EXIT << 8 },
	[DEATH_THREADS] = { "all threads exit, one by one", 0 },
	[DEATH_RINGS] = { "rings closed", DOOMED_EXIT << 8 },
	[DEATH_VM] = { "VM closed", DOOMED_EXIT << 8 },
	[DEATH_CANCEL] = { "commands cancelled", DOOMED_EXIT << 8 },
	[DEATH_SIGNALS] = { "signals", DOOMED_EXIT << 8 },
	[DEATH_MUNMAP] = { "memory unmapped", DOOMED_EXIT << 8 },
};

struct tally {
	uint64_t rounds;
	uint64_t stages[NR_STAGES];
	uint64_t cut_short;
};

static uint64_t seed;
static struct doomed_round *round_now;
static uint64_t round_nr;
static pid_t vmm;

/* The stacks of a process that does not end. */
static void show_threads(pid_t pid)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "for t in /proc/%d/task/*; do echo \"# $t\" $(cat $t/comm $t/syscall); sed 's/^/#   /' $t/stack; done",
		 pid);
	fflush(stdout);
	if (system(command))
		ksft_print_msg("Process %d cannot be looked at\n", pid);
}

static void fail_round(const char *what, int detail)
{
	ksft_print_msg("%s (%d), %s, backing %d, %u jobs\n", what, detail,
		       deaths[round_now->death].name, round_now->backing,
		       round_now->nr_jobs);
	ksft_print_msg("To try again: --seed %lu --round %lu --rounds 100%s\n", seed,
		       round_nr, round_now->awaits_job ? " --await" : "");
	show_threads(vmm);
	ksft_exit_fail_msg("Round %lu of seed %lu failed\n", round_nr, seed);
}

static bool is_stopped(void)
{
	siginfo_t info = {};

	return !waitid(P_PID, vmm, &info, WSTOPPED | WNOHANG) && info.si_pid == vmm;
}

static void strike(void)
{
	doomed_round_delay(round_now);
	round_now->stage = doomed_round_stage(round_now);
	if (round_now->death == DEATH_STOP_AND_KILL) {
		kill(vmm, SIGSTOP);
		if (!wait_until(is_stopped()))
			fail_round("The VMM does not stop", 0);
		if (round_now->seed & 1)
			kill(vmm, SIGCONT);
	}
	kill(vmm, SIGKILL);
}

/* All children: the VMM, and what it has left behind. */
static bool reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		/* A core dump has a flag of its own. */
		if (WIFSIGNALED(status))
			status &= ~0x80;
		if (pid == vmm && status != deaths[round_now->death].status)
			fail_round("The VMM ended with another status", status);
		if (pid != vmm && status != DOOMED_EXIT << 8)
			fail_round("The holder of the VM ended with another status", status);
	}
	return pid < 0;
}

static bool vmm_has_ended(void)
{
	siginfo_t info = {};

	return !waitid(P_PID, vmm, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == vmm;
}

/* For the kernel log, which outlives the machine. */
static void announce_round(void)
{
	char line[128];
	int fd, length;

	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* Not by dprintf(), which asks where in the file it is. */
	length = snprintf(line, sizeof(line), "death stress: seed %lu, round %lu: %s\n",
			  seed, round_nr, deaths[round_now->death].name);
	TEST_ASSERT(write(fd, line, length) == length, "Cannot write to /dev/kmsg");
	close(fd);
}

static void draw_round(uint64_t nr, bool awaits_job)
{
	round_nr = nr;
	doomed_round_draw(round_now, seed, nr);
	round_now->awaits_job = awaits_job;
}

static void run_round(uint64_t page_tables_kib)
{
	announce_round();
	fflush(stdout);
	vmm = fork();
	TEST_ASSERT(vmm >= 0, "fork failed");
	if (!vmm)
		doomed_vmm_run(round_now);

	if (!wait_until(READ_ONCE(round_now->ready) || vmm_has_ended()))
		fail_round("The VMM does not get ready", 0);
	if (count_vms(vmm) != 1)
		fail_round("The VMM has not one VM", count_vms(vmm));
	WRITE_ONCE(round_now->go, true);
	if (round_now->death <= DEATH_KILL_BUT_VM_HELD)
		strike();

	if (!wait_until(reap()))
		fail_round("The VMM does not end", 0);
	if (!doomed_round_is_consistent(round_now))
		fail_round("The results do not fit", 0);
	if (!wait_until(count_vms(vmm) <= 0))
		fail_round("VMs are left", count_vms(vmm));
	if (!wait_until(vm_page_tables_kib() <= page_tables_kib))
		fail_round("Page tables are left", vm_page_tables_kib());
}

static void add_to(struct tally *tally)
{
	tally->rounds++;
	tally->stages[round_now->stage]++;
	tally->cut_short += doomed_round_cut_short(round_now);
}

static bool has_struck(const struct tally *tally)
{
	return tally->stages[STAGE_DURING] >= MIN_DURING;
}

static bool each_has_struck(const struct tally *tallies)
{
	int i;

	for (i = 0; i < NR_DEATHS; i++) {
		if (!has_struck(&tallies[i]))
			return false;
	}
	return true;
}

/* Threads in the whole machine that work for jobs, or for rings. */
static int count_job_threads(void)
{
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = opendir("/proc");
	TEST_ASSERT(dir, "Cannot read /proc");
	while ((entry = readdir(dir))) {
		if (atoi(entry->d_name))
			count += count_threads_of(atoi(entry->d_name), HELPER_COMM) +
				 count_threads_of(atoi(entry->d_name), "iou-");
	}
	closedir(dir);
	return count;
}

static void report(const struct tally *tallies)
{
	uint64_t rounds = 0;
	int i;

	for (i = 0; i < NR_DEATHS; i++) {
		const struct tally *tally = &tallies[i];

		rounds += tally->rounds;
		/* One that never meets a job tests nothing. */
		ksft_test_result(has_struck(tally),
				 "%s: %lu rounds, %lu before the jobs, %lu during, %lu after; %lu jobs cut short\n",
				 deaths[i].name, tally->rounds,
				 tally->stages[STAGE_BEFORE],
				 tally->stages[STAGE_DURING],
				 tally->stages[STAGE_AFTER], tally->cut_short);
	}
	ksft_print_msg("%lu rounds of seed %lu\n", rounds, seed);
}

/* One round is that of @first, again and again if it is asked for so. */
static uint64_t run_rounds(struct tally *tallies, uint64_t first, uint64_t nr_rounds,
			   uint64_t seconds, bool awaits_job)
{
	uint64_t page_tables_kib = vm_page_tables_kib(), start = now_ms(), nr;
	bool over;

	for (nr = 0; !nr_rounds || nr < nr_rounds; nr++) {
		over = !nr_rounds && now_ms() - start >= seconds * 1000;
		if (over && each_has_struck(tallies))
			break;
		draw_round(first == ~0ULL ? nr : first, over || awaits_job);
		if (over && has_struck(&tallies[round_now->death]))
			continue;
		run_round(page_tables_kib);
		add_to(&tallies[round_now->death]);
	}
	return nr;
}

static void stress(uint64_t first, uint64_t nr_rounds, uint64_t seconds, bool awaits_job)
{
	struct tally tallies[NR_DEATHS] = {};
	uint64_t anonymous_kib, nr;

	anonymous_kib = meminfo_kib("AnonPages") + meminfo_kib("Shmem");
	nr = run_rounds(tallies, first, nr_rounds, seconds, awaits_job);
	if (first != ~0ULL) {
		ksft_set_plan(1);
		ksft_test_result_pass("round %lu of seed %lu, %lu times\n", first, seed, nr);
		ksft_finished();
	}

	ksft_set_plan(NR_DEATHS + 2);
	report(tallies);
	ksft_test_result(wait_until(!count_job_threads()), "no thread is left\n");
	ksft_test_result(wait_until(meminfo_kib("AnonPages") + meminfo_kib("Shmem") <=
				    anonymous_kib + DOOMED_SIZE / 1024),
			 "no memory of a VMM is left\n");
	ksft_finished();
}

static bool host_has(const char *flag)
{
	bool found = false;
	char line[8192];
	FILE *file;

	file = fopen("/proc/cpuinfo", "r");
	TEST_ASSERT(file, "Cannot open /proc/cpuinfo");
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "flags", 5) && strstr(line, flag);
	fclose(file);
	return found;
}

static void require_uffd(void)
{
	struct uffd_gate gate;
	void *page = test_mem_alloc(PAGE_SIZE);

	if (!uffd_gate_close_off(&gate, page, PAGE_SIZE))
		ksft_exit_skip("userfaultfd is not permitted\n");
	uffd_gate_destroy(&gate);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "round", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'x' },
		{ "await", no_argument, NULL, 'a' },
		{ "exit", no_argument, NULL, 'e' },
		{}
	};
	uint64_t seconds = DEFAULT_SECONDS, rounds = 0, first = ~0ULL;
	bool awaits_job = false;
	int option;

	TEST_ASSERT(getrandom(&seed, 4, 0) == 4, "No random number for the seed");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (option) {
		case 's':
			seconds = value;
			break;
		case 'n':
			rounds = value;
			break;
		case 'r':
			first = value;
			break;
		case 'x':
			seed = value;
			break;
		case 'a':
			awaits_job = true;
			break;
		case 'e':
			/* The end of a VMM that has executed this program. */
			_exit(DOOMED_EXIT);
		default:
			return 1;
		}
	}
	if (first != ~0ULL && !rounds)
		rounds = 1;

	ksft_print_header();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) & KVM_MAP_MEMORY_FEATURE_URING);
	require_uffd();
	if (count_vms(getpid()) < 0)
		ksft_exit_skip("debugfs does not show VMs here\n");
	ksft_print_msg("seed %lu, %ld CPUs, %s-level paging\n", seed,
		       sysconf(_SC_NPROCESSORS_ONLN), host_has(" la57") ? "five" : "four");
	/* Wait for the VMM's leftovers to go. */
	TEST_ASSERT(!prctl(PR_SET_CHILD_SUBREAPER, 1), "Cannot become a subreaper");
	round_now = mmap(NULL, sizeof(*round_now), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(round_now != MAP_FAILED, "No shared memory");
	stress(first, rounds, seconds, awaits_job);
}
