# SPDX-License-Identifier: MIT
# GNU make. `make help` lists the targets, V=1 shows the commands.
BUILD ?= build
SANITIZE ?=
CC ?= cc
PREFIX ?= /usr/local
PYTHON := /usr/bin/python3

ifneq ($(SANITIZE),)
BUILD := build/sanitize
SANFLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wcast-qual \
	-Wundef -Wvla -Wformat=2 -Wconversion -Wsign-conversion -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
ifneq ($(SANITIZE),)
HARDEN := -fPIE
endif
ALL_CPPFLAGS := -I. -I$(BUILD)/gen -D_POSIX_C_SOURCE=200809L $(CPPFLAGS)
ALL_CFLAGS := -std=c11 -pthread $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS := -pthread -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)

COMMON_LIBS := -lsqlite3
SCALERD_LIBS := -lcurl -ljson-c -lexpat -lcrypto $(COMMON_LIBS)
FCGI_LIBS := -lfcgi -ljson-c $(COMMON_LIBS)

# Debian's names of what building and `make run`, `make check` and `make lint`
# need beside a bare system.
RUN_PACKAGES := build-essential libfcgi-dev libcurl4-openssl-dev \
	libsqlite3-dev libjson-c-dev libssl-dev libexpat1-dev nginx sqlite3 \
	procps curl
CHECK_PACKAGES := $(RUN_PACKAGES) libcmocka-dev python3 python3-pytest \
	python3-pytest-xdist python3-venv python3-websockets
LINT_PACKAGES := $(CHECK_PACKAGES) clang clang-format clang-tidy cppcheck
BENCH_PACKAGES := $(RUN_PACKAGES) python3 python3-venv wrk

src = $(sort $(wildcard $(1)))
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
COMMON_SRC := $(call src,common/*.c)
SCALERD_SRC := $(call src,scalerd/*.c scalerd/*/*.c)
FCGI_SRC := $(call src,fcgi-api/*.c)
GAMESERVER_SRC := $(call src,tests/gameserver/*.c)
UNIT_SRC := $(call src,tests/unit/*/test_*.c)
UNIT_SHARED_SRC := $(filter-out $(UNIT_SRC),$(call src,tests/unit/*/*.c))
SIM_SRC := $(call src,tests/sim/*.c)
BENCH_SRC := $(call src,tests/bench/*.c)
OVERSELL_SRC := $(call src,tests/bench/oversell/*.c)
ALL_SRC := $(COMMON_SRC) $(SCALERD_SRC) $(FCGI_SRC) $(GAMESERVER_SRC) \
	$(UNIT_SRC) $(UNIT_SHARED_SRC) $(SIM_SRC) $(BENCH_SRC) $(OVERSELL_SRC)
ALL_C := $(ALL_SRC) $(call src,common/*.h scalerd/*.h scalerd/*/*.h \
	fcgi-api/*.h tests/gameserver/*.h tests/unit/*.h tests/unit/*/*.h \
	tests/sim/*.h tests/bench/*.h tests/bench/*/*.h)

COMMON_LIB := $(BUILD)/obj/libcommon.a
SCALERD_LIB := $(BUILD)/obj/libscalerd.a
FCGI_LIB := $(BUILD)/obj/libfcgi-api.a
PROGRAMS := $(addprefix $(BUILD)/bin/,fcgi-api scalerd gameserver)
# What the unit tests of one part share: each is linked with all of it.
unit_shared = $(call obj,$(filter tests/unit/$(1)/%,$(UNIT_SHARED_SRC)))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
# Those with threads, once more with ThreadSanitizer, for `make check`.
RACES := $(BUILD)/races
RACE_TESTS := $(addprefix $(RACES)/tests/unit/,common/test_ledger_shared \
	$(addprefix fcgi-api/,test_publication test_seats test_threads))
SIM := $(BUILD)/tests/sim/sim
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC)) \
	$(BUILD)/bench/oversell

# A nested make on all processors, unless the caller chose the jobs.
JOBS = $(if $(filter -j% --jobs%,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE = +@$(MAKE) --no-print-directory $(JOBS)
Q := $(if $(V),,@)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all programs tests races deps run check check-all bench lint format layers install \
	uninstall clean help FORCE

all: programs ## build fcgi-api, scalerd and gameserver in build/bin (default)
programs: $(PROGRAMS)
races:
	$(SUBMAKE) SANITIZE=thread BUILD=$(RACES) $(RACE_TESTS)
tests: $(UNIT_TESTS) $(if $(SIM_SRC),$(SIM)) $(BENCH_PROGRAMS)

# ---- what is built ---------------------------------------------------------

# Whatever the objects depend on beside the files: other flags, other objects.
FLAGS_TEXT := $(CC) | $(ALL_CPPFLAGS) | $(ALL_CFLAGS) | $(ALL_LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS_TEXT))' >$@

$(BUILD)/gen/sql.h: sql/embed.sh $(call src,sql/*.sql sql/*/*.sql)
	@mkdir -p $(@D)
	$(Q)sql/embed.sh header >$@
$(BUILD)/gen/sql.c: sql/embed.sh $(call src,sql/*.sql sql/*/*.sql)
	@mkdir -p $(@D)
	$(Q)sql/embed.sh source >$@

define compile
@mkdir -p $(@D)
$(if $(V),,@echo '  CC    $@')
$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
endef
define link
@mkdir -p $(@D)
$(if $(V),,@echo '  LINK  $@')
$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^
endef

$(BUILD)/obj/%.o: %.c Makefile $(BUILD)/flags | $(BUILD)/gen/sql.h
	$(compile)
$(BUILD)/obj/gen/sql.o: $(BUILD)/gen/sql.c $(BUILD)/gen/sql.h $(BUILD)/flags
	$(compile)

$(COMMON_LIB): $(call obj,$(COMMON_SRC)) $(BUILD)/obj/gen/sql.o
$(SCALERD_LIB): $(call obj,$(filter-out scalerd/main.c,$(SCALERD_SRC)))
$(FCGI_LIB): $(call obj,$(filter-out fcgi-api/main.c,$(FCGI_SRC)))
$(BUILD)/obj/%.a:
	@mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/bin/scalerd: $(call obj,scalerd/main.c) $(SCALERD_LIB) $(COMMON_LIB)
	$(link) $(SCALERD_LIBS)
$(BUILD)/bin/fcgi-api: $(call obj,fcgi-api/main.c) $(FCGI_LIB) $(COMMON_LIB)
	$(link) $(FCGI_LIBS)
$(BUILD)/bin/gameserver: $(call obj,$(GAMESERVER_SRC))
	$(link) -lcrypto

$(BUILD)/tests/unit/common/%: $(BUILD)/obj/tests/unit/common/%.o $(call unit_shared,common) $(COMMON_LIB)
	$(link) -lcmocka $(COMMON_LIBS)
$(BUILD)/tests/unit/scalerd/%: $(BUILD)/obj/tests/unit/scalerd/%.o $(call unit_shared,scalerd) $(SCALERD_LIB) $(COMMON_LIB)
	$(link) -lcmocka $(SCALERD_LIBS)
$(BUILD)/tests/unit/fcgi-api/%: $(BUILD)/obj/tests/unit/fcgi-api/%.o $(call unit_shared,fcgi-api) $(FCGI_LIB) $(COMMON_LIB)
	$(link) -lcmocka $(FCGI_LIBS)
$(SIM): $(call obj,$(SIM_SRC)) $(SCALERD_LIB) $(COMMON_LIB)
	$(link) $(SCALERD_LIBS)

# One program each: beside fcgi-api, or beside scalerd.
$(addprefix $(BUILD)/bench/,empty grant): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(FCGI_LIB) $(COMMON_LIB)
	$(link) $(FCGI_LIBS)
# fcgi-api's choosing and scalerd's limits in one model.
$(BUILD)/bench/oversell: $(call obj,$(OVERSELL_SRC) scalerd/core/credit.c) $(FCGI_LIB) $(COMMON_LIB)
	$(link) $(FCGI_LIBS) -lm
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(SCALERD_LIB) $(COMMON_LIB)
	$(link) $(SCALERD_LIBS)

# ---- run and test ----------------------------------------------------------

deps: ## install the Debian packages that building, testing and linting need
	@.ci/install-packages $(LINT_PACKAGES)

# Variables of the command line (PORT=9000) reach the script by the environment.
run: ## run everything here, in the foreground: nginx, fcgi-api, scalerd, gameservers
	@.ci/install-packages $(RUN_PACKAGES)
	$(SUBMAKE) programs
	@GSM_BUILD='$(abspath $(BUILD))' exec env --default-signal=INT,TERM \
		tests/demo/run

# nginx lies in /usr/sbin, where an ordinary user's PATH does not lead.
PYTEST = PATH="$$PATH:/usr/sbin:/sbin" GSM_BUILD='$(abspath $(BUILD))' PYTHONDONTWRITEBYTECODE=1 \
	$(PYTHON) -m pytest tests -q -rs -n 8 -p no:cacheprovider

# Without a network the tests of the test cloud are skipped, and say so.
CLOUD = @tests/cloud/venv || echo 'no build/venv: its tests are skipped' >&2

check: ## build and run every test
	@.ci/install-packages $(CHECK_PACKAGES)
	$(CLOUD)
	$(SUBMAKE) programs tests races
	@$(PYTEST) -m 'not long' $(PYTEST_ARGS)

check-all: export SIM_SEEDS ?= 2000
check-all: ## the same, with the tests that take long and more simulations
	@.ci/install-packages $(CHECK_PACKAGES)
	$(CLOUD)
	$(SUBMAKE) programs tests races
	@$(PYTEST) $(PYTEST_ARGS)

# SEED=/path: a checkout of PlayLiveChess/playlivechess-manager to compare with.
bench: ## measure, print tables, write build/bench/*.json (BENCH=names: some)
	@.ci/install-packages $(BENCH_PACKAGES)
	$(SUBMAKE) programs $(BENCH_PROGRAMS)
	@PATH="$$PATH:/usr/sbin:/sbin" GSM_BUILD='$(abspath $(BUILD))' \
		PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/bench/run $(BENCH)

# ---- the look of the code --------------------------------------------------

TIDY_FLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -I. -Ibuild/lint-clang/gen

lint: ## gcc and clang without a warning, clang-tidy, cppcheck, format, layers
	@.ci/install-packages $(LINT_PACKAGES)
	@tests/lint/layers
	@tests/lint/banned $(ALL_C)
	clang-format --dry-run -Werror $(ALL_C)
	$(SUBMAKE) BUILD=build/lint-gcc SANITIZE= CC=gcc programs tests
	$(SUBMAKE) BUILD=build/lint-clang SANITIZE= CC=clang programs tests
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j 4 \
		--enable=warning,portability --suppressions-list=tests/lint/cppcheck \
		-I. -Ibuild/lint-clang/gen $(ALL_SRC)
	@echo 'clang-tidy $(words $(ALL_SRC)) files'
	@printf '%s\n' $(ALL_SRC) | xargs -P $(shell nproc) -n 4 sh -c \
		'clang-tidy --quiet "$$@" -- $(TIDY_FLAGS) 2>/dev/null || exit 255' tidy

format: ## lay out every C file with clang-format
	clang-format -i $(ALL_C)

layers: ## check who includes whom, and where SQL stands
	@tests/lint/layers

# ---- install ---------------------------------------------------------------

SHARE = $(PREFIX)/share/gameserver-manager
UNITS = scalerd/scalerd.service fcgi-api/fcgi-api.service fcgi-api/fcgi-api.socket
NGINX_FILES = server.conf fastcgi.conf status.html
MAN5 = $(notdir $(wildcard docs/*.5))
MAN8 = $(notdir $(wildcard docs/*.8))
INSTALLED = $(PREFIX)/bin/scalerd $(PREFIX)/bin/fcgi-api \
	$(SHARE)/nginx/gameserver-manager.conf \
	$(addprefix $(SHARE)/nginx/,$(NGINX_FILES)) \
	$(SHARE)/gameserver-manager.env \
	$(addprefix $(PREFIX)/lib/systemd/system/,$(notdir $(UNITS))) \
	$(PREFIX)/lib/sysusers.d/gameserver-manager.conf \
	$(addprefix $(PREFIX)/share/man/man5/,$(MAN5)) \
	$(addprefix $(PREFIX)/share/man/man8/,$(MAN8))

install: programs ## install under DESTDIR and PREFIX (/usr/local)
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	install -m 755 $(BUILD)/bin/scalerd $(BUILD)/bin/fcgi-api \
		$(DESTDIR)$(PREFIX)/bin/
	nginx/render production SHARE='$(SHARE)/nginx' \
		>$(DESTDIR)$(SHARE)/nginx/gameserver-manager.conf
	install -m 644 $(addprefix nginx/,$(NGINX_FILES)) $(DESTDIR)$(SHARE)/nginx/
	for unit in $(UNITS); do \
		sed 's|/usr/local/|$(PREFIX)/|' $$unit \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; \
	done
	install -m 644 scalerd/sysusers.conf \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/gameserver-manager.conf
	$(if $(wildcard docs/gameserver-manager.env),install -m 644 \
		docs/gameserver-manager.env $(DESTDIR)$(SHARE)/)
	$(if $(MAN5),install -m 644 docs/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/)
	$(if $(MAN8),install -m 644 docs/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/)

uninstall: ## remove what install put there; configuration and state stay
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	rmdir $(DESTDIR)$(SHARE)/nginx $(DESTDIR)$(SHARE) 2>/dev/null || true

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
