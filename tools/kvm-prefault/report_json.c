// SPDX-License-Identifier: GPL-2.0
#include "json.h"
#include "lists_json.h"
#include "report.h"

static void print_text(FILE *file, const char *indent, const char *name,
		       const char *text, const char *end)
{
	fprintf(file, "%s\"%s\": ", indent, name);
	json_string(file, text);
	fputs(end, file);
}

/* null stands for a value that was not reported. */
static void print_bytes(FILE *file, const char *name, bool known,
			uint64_t bytes)
{
	fprintf(file, ", \"%s\": ", name);
	if (known)
		fprintf(file, "%llu", (unsigned long long)bytes);
	else
		fputs("null", file);
}

static void print_seconds(FILE *file, const char *name, bool known,
			  double seconds)
{
	fprintf(file, "\"%s\": ", name);
	if (known)
		fprintf(file, "%.9f", seconds);
	else
		fputs("null", file);
}

static void print_sample(FILE *file, const struct sample *sample,
			 const struct run_options *options)
{
	print_seconds(file, "prepare_seconds", true, sample->prepare_seconds);
	fputs(", ", file);
	print_seconds(file, "guest_seconds", options->guest_pass,
		      sample->guest_seconds);
	print_bytes(file, "faults_before", true, sample->faults_before);
	print_bytes(file, "faults_during", options->guest_pass,
		    sample->faults_during);
	print_bytes(file, "bytes_mapped", sample->counted,
		    sample->bytes_mapped);
	print_bytes(file, "bytes_present", sample->counted,
		    sample->bytes_present);
	fprintf(file, ", \"workers\": %u", sample->workers);
	fprintf(file, ", \"pages_4k\": %llu, \"pages_2m\": %llu, \"pages_1g\": %llu",
		(unsigned long long)sample->pages.of_4k,
		(unsigned long long)sample->pages.of_2m,
		(unsigned long long)sample->pages.of_1g);
}

static void print_measured(FILE *file, const struct result *result,
			   const struct run_options *options)
{
	unsigned int i;

	fputs("\"outcome\": \"measured\",\n     ", file);
	print_sample(file, &result->summary, options);
	fputs(",\n     ", file);
	print_seconds(file, "prepare_seconds_spread", true,
		      result->prepare_spread);
	fputs(", ", file);
	print_seconds(file, "guest_seconds_spread", options->guest_pass,
		      result->guest_spread);
	fputs(",\n     \"runs\": [", file);
	for (i = 0; i < result->nr_samples; i++) {
		fputs(i ? ",\n      {" : "\n      {", file);
		print_sample(file, &result->samples[i], options);
		fputc('}', file);
	}
	fputs("]", file);
}

static void print_result(FILE *file, const struct result *result,
			 const struct run_options *options)
{
	print_text(file, "    {", "method", result->method->name, ", ");
	print_text(file, "", "memory", result->kind->name, ", ");
	fprintf(file, "\"bytes\": %llu, ", (unsigned long long)result->bytes);
	print_text(file, "", "prepared", result->set_alone ? "set" : "all",
		   ", ");
	fprintf(file, "\"prepared_bytes\": %llu, ",
		(unsigned long long)result->prepared_bytes);
	if (result->outcome == OUTCOME_MEASURED) {
		print_measured(file, result, options);
	} else {
		print_text(file, "", "outcome",
			   result->outcome == OUTCOME_FAILED ?
			   "failed" : "unavailable", ",\n     ");
		print_text(file, "", "reason", result->failure.reason, "");
	}
	fputc('}', file);
}

static void print_environment(FILE *file,
			      const struct environment *environment)
{
	const char *indent = "    ";

	fputs("  \"environment\": {\n", file);
	print_text(file, indent, "kernel", environment->kernel, ",\n");
	print_text(file, indent, "kernel_command_line",
		   environment->kernel_command_line, ",\n");
	print_text(file, indent, "cpu_model", environment->cpu_model, ",\n");
	fprintf(file, "%s\"cpus\": %d,\n%s\"cpus_allowed\": %d,\n", indent,
		environment->cpus, indent, environment->cpus_allowed);
	print_text(file, indent, "thp", environment->thp, ",\n");
	print_text(file, indent, "thp_shmem", environment->thp_shmem, ",\n");
	print_text(file, indent, "kvm_vendor", environment->kvm_vendor, ",\n");
	print_text(file, indent, "tdp_mmu", environment->tdp_mmu, ",\n");
	print_text(file, indent, "two_dimensional_paging",
		   environment->two_dimensional_paging, ",\n");
	fprintf(file, "%s\"map_memory_features\": %d\n  },\n", indent,
		environment->map_memory_features);
}

static void print_working_set(FILE *file, const struct replay *replay)
{
	fputs(",\n  \"working_set\": ", file);
	if (!replay) {
		fputs("null", file);
		return;
	}
	print_text(file, "{", "file", replay->file, ", ");
	fprintf(file, "\"base\": %llu, \"span\": %llu, \"ranges\": %zu, \"bytes\": %llu}",
		(unsigned long long)replay->base,
		(unsigned long long)replay->span,
		kvm_working_set_count(replay->set),
		(unsigned long long)kvm_working_set_bytes(replay->set));
}

void json_print(FILE *file, const struct environment *environment,
		const struct run_options *options, const struct replay *replay,
		const struct result *results, unsigned int nr, char **argv)
{
	unsigned int i;

	fputs("{\n  \"tool\": \"kvm-prefault\",\n", file);
	print_text(file, "  ", "version", VERSION, ",\n  \"command\": [");
	for (i = 0; argv[i]; i++) {
		fputs(i ? ", " : "", file);
		json_string(file, argv[i]);
	}
	fputs("],\n", file);
	print_environment(file, environment);
	/* All that there are, whether they were asked for or not. */
	json_methods(file, "methods", methods);
	fputs(",\n", file);
	json_memory_kinds(file);
	print_working_set(file, replay);
	fprintf(file, ",\n  \"runs\": %u,\n  \"results\": [\n", options->runs);
	for (i = 0; i < nr; i++) {
		print_result(file, &results[i], options);
		fputs(i + 1 < nr ? ",\n" : "\n", file);
	}
	fputs("  ]\n}\n", file);
}
