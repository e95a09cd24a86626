# SPDX-License-Identifier: GPL-2.0
#
# Compare what has become of the tests on two sides.
#
#   awk -v table=FILE -f compare.awk NAMES STOCK OURS
#
# NAMES has the tests that must be there, the others a line for each test:
# NAME RUNS OUTCOME STATUS PASSED REASON.  Prints TAP, and writes a table whose
# last column is "same", "better", "worse" or "missing".

BEGIN {
	# "bug" is what the kernel log says, "died" the machine.
	split("bug died fail timeout skip pass", names)
	split("1 1 2 2 3 4", ranks)
	for (i in names)
		rank[names[i]] = ranks[i]
	format = "%-42s %-14s %-14s %s\n"
	printf format, "test", "stock", "ours", "verdict" >table
}

FILENAME == ARGV[1] {
	tests[++nr] = $1
	next
}

{
	side = FILENAME == ARGV[2] ? "stock" : "ours"
	runs[side, $1] = $2
	outcome[side, $1] = $3 in rank ? $3 : ""
	status[side, $1] = $4
	passed[side, $1] = $5
	for (i = 6; i <= NF; i++)
		reason[side, $1] = reason[side, $1] (i > 6 ? " " : "") $i
}

function tell(side, test,    text)
{
	text = outcome[side, test]
	if (text == "fail")
		text = text ":" status[side, test]
	return text == "" ? "-" : text
}

function verdict_on(test,    stock, ours)
{
	stock = rank[outcome["stock", test]]
	ours = rank[outcome["ours", test]]
	if (!stock || !ours)
		return "missing"
	if (ours != stock)
		return ours < stock ? "worse" : "better"
	if (passed["ours", test] + 0 < passed["stock", test] + 0)
		return "worse"
	return "same"
}

END {
	print "TAP version 13"
	for (i = 1; i <= nr; i++) {
		test = tests[i]
		verdict = verdict_on(test)
		stock = tell("stock", test)
		ours = tell("ours", test)
		again = runs["ours", test] > 1 ? \
			" (run " runs["ours", test] " on ours)" : ""
		printf format, test, stock, ours, verdict again >table

		line = i " - " test
		if (verdict == "worse" || verdict == "missing") {
			line = "not ok " line ": " stock " on the stock modules, " \
				ours " on ours"
			if (verdict == "worse" && stock == ours)
				line = line ", " passed["stock", test] " and " \
					passed["ours", test] " results passed"
		} else if (ours == "pass") {
			line = "ok " line
		} else {
			line = "ok " line " # SKIP " ours (stock == ours ? " on both" : \
				", " stock " on the stock modules") ": " \
				reason["ours", test]
		}
		print line again
	}
	print "1.." nr + 0
}
