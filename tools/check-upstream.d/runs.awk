# SPDX-License-Identifier: GPL-2.0
#
# Make a line "NAME SECONDS COMMAND" of each run, from 'parameters' and the list
# of all tests in 'dir'.  'all' and 'wanted' are the caller's arguments.

function complain(text)
{
	print text >"/dev/stderr"
	status = 1
}

function add(name, number)
{
	print name (number > 1 ? "-" number : ""), seconds[name, number],
		dir "/" name arguments[name, number]
}

BEGIN {
	nr_wanted = split(wanted, words)
	for (i in words)
		is_wanted[words[i]] = 1
}

FNR == NR {
	if (/^#/ || !NF)
		next
	name = $1
	number = ++nr_runs[name]
	if ($2 == "all") {
		takes_long[name] = 1
		sub(/[ \t]all[ \t]/, " ")
	}
	seconds[name, number] = $2
	sub(/^[^ \t]+[ \t]+[0-9]+/, "")
	arguments[name, number] = $0
	next
}

{
	known[$1] = 1
	if (nr_wanted && !($1 in is_wanted))
		next
	if (takes_long[$1] && !all && !nr_wanted) {
		print "# not run, for it takes long: " $1
		next
	}
	if (!nr_runs[$1]) {
		nr_runs[$1] = 1
		seconds[$1, 1] = 240
	}
	for (i = 1; i <= nr_runs[$1]; i++)
		add($1, i)
}

END {
	for (name in is_wanted)
		if (!known[name])
			complain("no test is called " name)
	for (name in nr_runs)
		if (!known[name])
			complain("parameters for " name ", which there is not")
	exit status
}
