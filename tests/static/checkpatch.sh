#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# checkpatch.sh: scripts/checkpatch.pl --strict of Linux 6.12 has nothing to say of the driver, its interface and the
# kselftests but what is excepted here, file by file, with the reason. Prints KTAP.
set -u

here=$(dirname "$(readlink -f "$0")")
. "$here/tree.sh"
top=$(readlink -f "$here/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
script=$(kernel_file scripts/checkpatch.pl) || skip_all "no debug kernel with checkpatch.pl in the cache: \`make debug-kernel\`"

# FILES TYPE: what may be said of them
cat >"$work/excepted" <<'EOF'
# BIT() and ARRAY_SIZE() are the kernel's; these files are for programs and the device's model, too.
driver/xq_.*\.h|uapi/linux/xqaccel\.h	BIT_MACRO
driver/xq_.*\.h	ARRAY_SIZE
# The one file that may ask for the version.
driver/compat\.h	LINUX_VERSION_CODE
driver/compat\.h	CONSTANT_COMPARISON
# What an older kernel does not take.
driver/compat\.h	MACRO_ARG_UNUSED
# Trace events have a form of their own, see samples/trace_events.
driver/trace\.h	OPEN_ENDED_LINE
driver/trace\.h	PARENTHESIS_ALIGNMENT
# The macro's argument is the name of a structure.
driver/ioctl\.c	MACRO_ARG_REUSE
# What is printed stays in one piece, so that it is found.
.*	LONG_LINE_STRING
# Programs use the types and attributes of C, and its macros for printf.
tests/kselftest/.*	PREFER_KERNEL_TYPES
tests/kselftest/.*	PREFER_DEFINED_ATTRIBUTE_MACRO
tests/kselftest/.*	BIT_MACRO
tests/kselftest/.*	CAMELCASE
# They have no ARRAY_SIZE() but the one that they define.
tests/kselftest/device\.h	ARRAY_SIZE
# FIXTURE_DATA(name) *self declares a pointer, which is taken for a product.
tests/kselftest/.*	SPACING
# The interface of the kernel's kselftest_harness.h: these are its macros.
tests/kselftest/harness\.h	MACRO_ARG_REUSE
tests/kselftest/harness\.h	MACRO_ARG_UNUSED
tests/kselftest/harness\.h	MACRO_WITH_FLOW_CONTROL
# _Atomic is taken for a statement.
tests/kselftest/fuzz\.c	LINE_SPACING
# What a system without io_uring says.
tests/kselftest/(uring(_fence)?|queue)\.c	ENOSYS
# Macros around a test's own functions, which return from the test.
tests/kselftest/(fail_nth\.[ch]|(gemm|program)\.c)	MACRO_ARG_REUSE
# A signal handler's flag, and a page that is touched for the fault.
tests/kselftest/fuzz_call\.c	VOLATILE
# An assertion compares what sscanf() returned.
tests/kselftest/debugfs\.c	NAKED_SSCANF
# The name of a function of the test is also a word.
tests/kselftest/(coredump|observe|recovery)\.c	EMBEDDED_FUNCTION_NAME
# The linker's --wrap gives these names, which no header has.
tests/kselftest/queue\.c	AVOID_EXTERNS
# JSON in pieces
tests/kselftest/reset\.c	SPLIT_STRING
EOF

# complaints FILE...: in the folder at hand, without what is excepted
complaints() {
	perl "$script" --no-tree --strict --terse --show-types --no-summary --max-line-length=100 -f "$@" 2>&1 |
		awk -F '\t' -v list="$work/excepted" '
			BEGIN {
				while ((getline line < list) > 0)
					if (line !~ /^#/) {
						split(line, word, "\t")
						pattern[++count] = "^(" word[1] "):[0-9]+: [A-Z]+:" word[2] ":"
					}
			}
			{
				for (i = 1; i <= count; i++)
					if ($0 ~ pattern[i])
						next
				print
			}'
}

echo "TAP version 14"
echo "1..4"
cd "$top" || exit 1
for what in driver uapi/linux tests/kselftest; do
	complaints "$what"/*.[ch] >"$work/complaints"
	[ ! -s "$work/complaints" ]
	result $? "checkpatch --strict: $what" "$work/complaints"
done

# The proof that it looks: a copy of a file with mistakes in it.
mkdir -p "$work/driver"
cp "$top/driver/fair.c" "$work/driver/"
printf 'int  planted( int a ){\n    return(a);\n}\n' >>"$work/driver/fair.c"
cd "$work" || exit 1
complaints driver/fair.c >"$work/found"
echo "of a planted mistake it said: $(cat "$work/found")" >"$work/complaints"
grep -q 'OPEN_BRACE' "$work/found"
result $? "checkpatch finds a planted mistake" "$work/complaints"
finish
