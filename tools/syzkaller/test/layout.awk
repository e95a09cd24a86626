# SPDX-License-Identifier: GPL-2.0
#
# Turn the structs of a syzkaller description into C assertions, that each field
# is where the header has it, and as large.  Fields called pad_* only take room.

function size_of(type,	parts)
{
	if (type ~ /^array\[.*, *[0-9]+\]$/ && split(type, parts, /, */) > 1)
		return parts[split(type, parts, /, */)] * \
			size_of(substr(type, 7, match(type, /, *[0-9]+\]$/) - 7))
	if (type ~ /^ptr64\[/)
		return 8
	if (match(type, /int(8|16|32|64)/))
		return substr(type, RSTART + 3, RLENGTH - 3) / 8
	if (type ~ /^fd_/)
		return 4
	if (type ~ /^ioring_personality_id/)
		return 2
	if (type in sizes)
		return sizes[type]
	print "#error size unknown: " type
	return 0
}

function expect(what, value)
{
	print "_Static_assert(" what " == " value ", \"" what "\");"
}

/^[a-z_0-9]+ \{$/ {
	name = $1
	# The SQE is described once for each command.
	tag = "struct " (name ~ /^io_uring_sqe_/ ? "io_uring_sqe" : name)
	offset = 0
	next
}

/^\}/ {
	expect("sizeof(" tag ")", offset)
	sizes[name] = offset
	name = ""
	structs++
}

name != "" && NF {
	field = $1
	type = $0
	sub(/^[ \t]*[a-z_0-9]+[ \t]+/, "", type)
	sub(/ *\((in|out|inout)\)$/, "", type)
	bytes = size_of(type)
	if (field !~ /^pad_/) {
		expect("offsetof(" tag ", " field ")", offset)
		# SQEs end with an array that has no size of its own.
		if (type != "kvm_map_memory_cmd")
			expect("sizeof(((" tag " *)0)->" field ")", bytes)
	}
	offset += bytes
}

END {
	if (!structs)
		print "#error no structs"
}
