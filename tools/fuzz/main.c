// SPDX-License-Identifier: GPL-2.0
/* Options, a process for each seed, and the sum of them as TAP. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "machine.h"
#include "parse.h"
#include "region.h"
#include "report.h"
#include "run.h"

#define MAX_SEEDS 64

static uint64_t seeds[MAX_SEEDS];
static unsigned int nr_seeds;
/* Seconds in all, which random seeds fill up; 0: no more than the seeds given. */
static unsigned int total_seconds;
static int all_steps;
static int list_only;

static const char usage_text[] =
"usage: map-memory-fuzz [OPTION...]\n"
"\n"
"Makes random calls of KVM_MAP_MEMORY from several threads, by all of its entries,\n"
"with good and bad arguments, while the same threads change VMs, memslots, host\n"
"memory and each other.  Prints TAP: a result for each seed, which has failed if\n"
"something was seen that must not be, and one for each kind of step, which has\n"
"failed if no call of that kind succeeded.\n"
"\n"
"  --seed N         run this seed (again for more); its threads make the same\n"
"                   calls in each run, whatever they do to each other.  With one\n"
"                   thread they also come in the same order.  Seeds that are a\n"
"                   multiple of 4 stop and continue the process, too\n"
"  --random         run a seed that nobody knows before, and print it\n"
"  --for N          go on with random seeds until N seconds are over, or one has\n"
"                   failed\n"
"  --all-steps      go on with random seeds until a step of each kind has succeeded,\n"
"                   or a seed has failed\n"
"  --threads N      threads that make calls (default 4)\n"
"  --seconds N      for each seed (default 10)\n"
"  --steps N        for each thread, rounded up to 120, rather than for a time\n"
"  --deadline N     seconds that one call may take (default 60, times\n"
"                   TEST_TIMEOUT_FACTOR)\n"
"  --json FILE      write what came of seeds and steps to FILE, as JSON\n"
"  --list           print the table of steps, and which this machine can do\n"
"  --trace          print each call before it is made, as THREAD.STEP CALL\n"
"  --plant WHAT     do wrong on purpose what has to be noticed: errno, refusal,\n"
"                   write, leftover, result, count, input, view, hang, helper,\n"
"                   vm or step\n"
"\n"
"What is looked at:\n"
"  - each result: the errno, what is left of the mappings, the counts, and the\n"
"    structures of refused calls, which have to be as they were;\n"
"  - after every 120 steps, while all threads wait: pages of every memslot, which\n"
"    guest and host have to see alike;\n"
"  - calls that do not end;\n"
"  - in the end: helper threads, VMs, and page tables of VMs.\n"
"The kernel log is left to who runs it: tools/testvm looks at it.\n";

static void print_help(void)
{
	fputs(usage_text, stdout);
	puts("\nKinds of memory:");
	regions_print();
}

static void bad_usage(const char *text)
{
	fprintf(stderr, "map-memory-fuzz: %s\n%s", text, usage_text);
	exit(2);
}

static uint64_t number_of(const char *option, const char *text, uint64_t min,
			  uint64_t max)
{
	struct failure failure;
	uint64_t number;

	if (parse_number(option, text, min, max, &number, &failure) < 0)
		bad_usage(failure.reason);
	return number;
}

static void add_seed(uint64_t seed)
{
	if (nr_seeds == MAX_SEEDS)
		bad_usage("too many seeds");
	seeds[nr_seeds++] = seed;
}

static uint64_t random_seed(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		bad_usage("no random number");
	return seed;
}

static void set_option(int option)
{
	switch (option) {
	case 0:		/* a flag */
		break;
	case 's':
		add_seed(number_of("--seed", optarg, 0, UINT64_MAX));
		break;
	case 'r':
		add_seed(random_seed());
		break;
	case 'f':
		total_seconds = number_of("--for", optarg, 1, UINT_MAX);
		break;
	case 't':
		options.threads = number_of("--threads", optarg, 1, MAX_THREADS);
		break;
	case 'd':
		options.seconds = number_of("--seconds", optarg, 1, UINT_MAX);
		break;
	case 'n':
		options.steps = number_of("--steps", optarg, 1, UINT64_MAX);
		break;
	case 'l':
		options.deadline = number_of("--deadline", optarg, 1, UINT_MAX);
		break;
	case 'j':
		options.json = optarg;
		break;
	case 'v':
		options.trace = true;
		break;
	case 'p':
		options.plant = optarg;
		break;
	case 'h':
		print_help();
		exit(0);
	default:
		bad_usage("wrong option");
	}
}

static void parse(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "random", no_argument, NULL, 'r' },
		{ "for", required_argument, NULL, 'f' },
		{ "all-steps", no_argument, &all_steps, true },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 'd' },
		{ "steps", required_argument, NULL, 'n' },
		{ "deadline", required_argument, NULL, 'l' },
		{ "json", required_argument, NULL, 'j' },
		{ "list", no_argument, &list_only, true },
		{ "trace", no_argument, NULL, 'v' },
		{ "plant", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		set_option(option);
	if (optind < argc)
		bad_usage("an argument that is no option");
	if (!nr_seeds && !total_seconds)
		add_seed(random_seed());
}

/* Lines in the kernel log from here on come from this seed. */
static void mark_kernel_log(uint64_t seed)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, "map-memory-fuzz: seed %lu\n", seed);
	close(fd);
}

static bool run_seed(unsigned int number, uint64_t seed)
{
	int status;
	pid_t pid;

	options.seed = seed;
	printf("# seed %lu, %u threads\n", seed, options.threads);
	fflush(stdout);
	mark_kernel_log(seed);
	pid = fork();
	if (!pid) {
		status = fuzz_run();
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("# fork");
		status = -1;
	} else if (WIFSIGNALED(status)) {
		printf("# killed by signal %d\n", WTERMSIG(status));
	}
	printf("%sok %u - seed %lu\n", status ? "not " : "", number, seed);
	report_seed(seed, !status);
	return !status;
}

/* Returns how many have failed. */
static unsigned int run_seeds(unsigned int *number)
{
	uint64_t start = now_ms(), seed;
	unsigned int failed = 0;

	while (*number < nr_seeds ||
	       (!failed && now_ms() - start < total_seconds * 1000ULL) ||
	       (!failed && all_steps && steps_are_left())) {
		seed = *number < nr_seeds ? seeds[*number] : random_seed();
		stopping |= seed_stops(seed);
		freezing = stopping && machine.freezer;
		failed += !run_seed(++*number, seed);
	}
	return failed;
}

int main(int argc, char **argv)
{
	unsigned int number = 0, failed;
	uint64_t start = now_ms();

	setvbuf(stdout, NULL, _IOLBF, 0);
	steps_init();
	parse(argc, argv);
	if (list_only) {
		machine_probe();
		print_table();
		return 0;
	}
	printf("TAP version 13\n");
	machine_probe();
	if (!options.deadline)
		options.deadline = 60 * machine.timeout_factor;
	if (tally_init())
		bad_usage("no memory");

	failed = run_seeds(&number);
	failed += report_steps(number + 1);
	printf("# %lu steps in %lu s\n", tally->steps, (now_ms() - start) / 1000);
	printf("1..%u\n", number + nr_steps);
	if (options.json && report_write(now_ms() - start)) {
		fprintf(stderr, "map-memory-fuzz: cannot write %s\n", options.json);
		return 2;
	}
	return failed ? 1 : 0;
}
