# SPDX-License-Identifier: GPL-2.0
exit 0
