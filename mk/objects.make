# SPDX-License-Identifier: GPL-2.0
#
# The objects of the sources in a directory, for its Makefile to include after the
# first target.  That has set OBJ, where they go, and FLAGS; it gets OBJECTS.

CFLAGS	?= -O2 -g -Wall -Wextra
# The order of the link is that of a benchmark's scenarios.
SOURCES	:= $(sort $(wildcard *.c *.S))
OBJECTS	:= $(addprefix $(OBJ)/,$(addsuffix .o,$(basename $(SOURCES))))
# ccache would write the object's path relative to the current directory into the
# list of headers, where make does not know it.
COMPILE	= $(CC) $(FLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MT $@ -c -o $@ $<

$(OBJ)/%.o: %.c | $(OBJ)
	$(COMPILE)

$(OBJ)/%.o: %.S | $(OBJ)
	$(COMPILE)

$(OBJECTS): Makefile $(TOP)/mk/objects.make

$(OBJ):
	mkdir -p $@

-include $(OBJECTS:.o=.d)
