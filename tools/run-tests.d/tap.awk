# SPDX-License-Identifier: GPL-2.0
#
# Judge the TAP output of one test program that ended with exit status
# 'status'.  Prints "PASSED FAILED SKIPPED", then a line for each reason why
# the program has failed.  A fault of the program as a whole counts as
# one more failed result.

function complain(text)
{
	problems[++nr_problems] = text
}

/^1\.\.[0-9]+/ {
	if (plan != "")
		complain("has two plans")
	plan = substr($1, 4) + 0
	skip_all = (plan == 0 && /# *[Ss][Kk][Ii][Pp]/)
}

/^Bail out!/ { complain($0) }

/^(not )?ok([^A-Za-z0-9_]|$)/ {
	results++
	number = ($1 == "not") ? $3 : $2
	if (number ~ /^[0-9]+$/ && number + 0 != results)
		complain("result " results " has the number " number)
	if ($1 == "not") {
		failed++
		complain($0)
	} else if (/# *[Ss][Kk][Ii][Pp]/) {
		skipped++
	} else {
		passed++
	}
}

END {
	if (skip_all && results == 0)
		skipped++
	else if (plan == "")
		complain("no plan")
	else if (plan == 0)
		complain("plans no test")
	else if (plan != results)
		complain("planned " plan " results, gave " results + 0)

	if (status == 124 || status == 137)
		complain("not finished in time")
	# 4 is the kernel selftests' way to say that something was skipped.
	else if (status != 0 && !(status == 4 && skipped && !failed) && !failed)
		complain("exit status " status)

	if (nr_problems > failed)
		failed++
	print passed + 0, failed + 0, skipped + 0
	for (i = 1; i <= nr_problems; i++)
		print problems[i]
}
