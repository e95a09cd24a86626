# SPDX-License-Identifier: GPL-2.0
"""QEMU with the guest of tools/qemu/guest, for tests in the test machine; and TAP."""
import glob
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
QEMU = os.environ.get("QEMU", TOP + "/build/qemu/qemu-system-x86_64")
GUEST = TOP + "/build/qemu/guest/guest.elf"
FIRMWARE = ["-L", "/usr/share/seabios", "-L", "/usr/share/qemu"]
PAGE = 4096
MIB = 1 << 20
# A time limit only ends what hangs.
LIMIT = 200 * int(os.environ.get("TEST_TIMEOUT_FACTOR", "4"))
# SeaBIOS's handler of interrupts that it does not use, which only returns.
NO_HANDLER = "EIP=0000ff53"

MACHINES = {
    "microvm": ["-M", "microvm"],
    "q35": ["-M", "q35"],
    "q35-qboot": ["-M", "q35", "-bios", "qboot.rom"],
}

# The capabilities for each kind of migration.
MIGRATIONS = {"precopy": (), "multifd": ("multifd",), "postcopy": ("postcopy-ram",)}


class Failure(Exception):
    """Of a test, with the reason."""


def wait_until(what, read, condition=bool):
    """The first value of read(), which is called again and again, that has it."""
    end = time.monotonic() + LIMIT
    while True:
        value = read()
        if condition(value):
            return value
        if time.monotonic() > end:
            raise Failure("not within %d seconds: %s" % (LIMIT, what))
        time.sleep(0.01)


class Lines:
    """The lines that come out of a socket."""

    def __init__(self, sock, whose):
        self.sock = sock
        self.whose = whose
        self.sock.settimeout(LIMIT)
        self.rest = b""

    def arrives(self, seconds):
        """Whether there is something to read within that time."""
        return bool(select.select([self.sock], [], [], seconds)[0])

    def next(self):
        while b"\n" not in self.rest:
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                raise Failure("no line of %s within %d seconds" %
                              (self.whose, LIMIT)) from None
            except ConnectionError:
                data = b""
            if not data:
                raise Failure("QEMU has ended")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()


class Qmp:
    def __init__(self, sock):
        self.lines = Lines(sock, "QMP")
        self.sock = sock
        self.events = []
        self.lines.next()
        self("qmp_capabilities")

    def message(self):
        message = json.loads(self.lines.next())
        if "event" in message:
            self.events.append(message)
            return None
        return message

    def __call__(self, command, **arguments):
        reply = self.try_(command, **arguments)
        if "error" in reply:
            raise Failure("%s: %s" % (command, reply["error"]["desc"]))
        return reply["return"]

    def try_(self, command, **arguments):
        """The reply, be it an error."""
        arguments = {name.replace("_", "-"): value
                     for name, value in arguments.items()}
        self.sock.sendall(json.dumps(
            {"execute": command, "arguments": arguments}).encode())
        reply = None
        while reply is None:
            reply = self.message()
        return reply

    def event(self, name):
        """The first event of that name that was not taken yet."""
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event.get("data")
            self.message()


class Result:
    """What the guest answers to a command, see guest.c."""

    def __init__(self, line):
        words = line.split()
        self.command = words[0]
        (self.passes, self.pages, self.wrong, self.ticks,
         self.longest) = (int(word) for word in words[1:])


class Vm:
    """A running QEMU.  'with' ends it."""

    def __init__(self, accel="", machine="microvm", memory="64M", arguments=()):
        self.stderr = tempfile.TemporaryFile(mode="w+")
        ours, theirs = zip(*(socket.socketpair() for _ in range(2)))
        command = [
            QEMU, *FIRMWARE, "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", *MACHINES[machine], "-m", memory, "-cpu", "host",
            "-accel", "kvm" + ("," + accel if accel else ""),
            "-chardev", "socket,id=serial,fd=%d" % theirs[0].fileno(),
            "-serial", "chardev:serial",
            "-chardev", "socket,id=qmp,fd=%d" % theirs[1].fileno(),
            "-mon", "chardev=qmp,mode=control",
            "-kernel", GUEST, *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=self.stderr,
            pass_fds=[sock.fileno() for sock in theirs])
        for sock in theirs:
            sock.close()
        self.serial_sock, qmp_sock = ours
        self.serial = Lines(self.serial_sock, "the guest")
        self.qmp = None
        try:
            self.qmp = Qmp(qmp_sock)
        except Failure as failure:
            raise Failure("%s: %s" % (failure, self.errors())) from None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.explain()
        self.process.kill()
        self.process.wait()

    def explain(self):
        """Prints where a QEMU is that has failed a test: threads, then the guest."""
        for line in self.errors().splitlines():
            print("# qemu: " + line)
        print("# exit status: %s" % self.process.poll())
        for task in glob.glob("/proc/%d/task/*/" % self.process.pid):
            try:
                print("# thread: " + " ".join(
                    " ".join(open(task + name).read().split()[:2])
                    for name in ("comm", "wchan", "syscall")))
            except OSError:
                pass  # it has ended
        self.serial_sock.settimeout(10)
        self.qmp.sock.settimeout(10)
        try:
            for command in "info status", "info map-memory", "info registers":
                print("# " + " ".join(self.hmp(command).split()[:60]))
        except (Failure, OSError) as error:
            print("# %s" % error)

    def errors(self):
        """What QEMU has written to stderr."""
        self.stderr.seek(0)
        return self.stderr.read()

    def hmp(self, command):
        return self.qmp("human-monitor-command", command_line=command)

    def hangs_in_firmware(self):
        """
        In the emulated machine SeaBIOS now and then gets the same interrupt for
        ever, with the distribution's modules as with others.  It is seen in the
        handler, or at the instruction that is never executed.
        """
        looks = [self.hmp("info registers") for _ in range(10)]
        return sum(NO_HANDLER in registers for registers in looks) > 1

    def ready(self):
        """Waits until the guest runs, or tells why not, and ends it."""
        try:
            return self.answered()
        except Failure:
            self.__exit__(*sys.exc_info())
            raise

    def answered(self):
        end = time.monotonic() + LIMIT
        while not self.serial.arrives(10) and time.monotonic() < end:
            if self.hangs_in_firmware():
                print("# SeaBIOS hangs, and is reset")
                # SeaBIOS then resets the machine once more by itself.
                self.qmp("set-action", reboot="reset")
                self.qmp("system_reset")
        line = self.serial.next()
        self.qmp("set-action", reboot="shutdown")
        if line != "ready":
            raise Failure("the guest says '%s'" % line)
        return self

    def send(self, letter):
        self.serial_sock.sendall(letter.encode())

    def result(self):
        return Result(self.serial.next())

    def command(self, letter):
        self.send(letter)
        return self.result()

    def stat(self, name):
        """A count that KVM keeps of the VM."""
        files = glob.glob("/sys/kernel/debug/kvm/%d-*/%s" % (self.process.pid, name))
        return sum(int(open(file).read()) for file in files)

    def faults(self):
        """Stage-2 faults of the vCPUs until now."""
        return self.stat("pf_taken")

    def command_and_faults(self, letter):
        before = self.faults()
        result = self.command(letter)
        return result, self.faults() - before

    def resident(self, size):
        """Bytes of the host that the one backend of that size has."""
        sizes = re.findall(r"^Size: +(\d+) kB\n(?:.*\n)*?Rss: +(\d+) kB\n",
                           open("/proc/%d/smaps" % self.process.pid).read(), re.M)
        found = [int(rss) << 10 for kib, rss in sizes if int(kib) << 10 == size]
        equal("mappings of %d bytes" % size, len(found), 1)
        return found[0]

    def plug(self, size):
        """A DIMM, without waiting for its mapping."""
        self.qmp("object-add", qom_type="memory-backend-ram", id="m1", size=size)
        self.qmp("device_add", driver="pc-dimm", id="d1", memdev="m1")

    def threads_of_jobs(self):
        """The names of the threads that map memory."""
        names = [open(file).read().strip() for file in
                 glob.glob("/proc/%d/task/*/comm" % self.process.pid)]
        return [name for name in names if "prefault" in name or "map-mem" in name or
                name.startswith("kvm-map")]

    def info(self):
        return self.qmp("query-map-memory")

    def settled(self):
        """The figures, when nothing is being mapped, nor is going to be."""
        return wait_until("map-memory settles", self.info, lambda info:
                          info["status"] not in ("waiting", "active"))

    def all_mapped(self):
        """The figures, when all is mapped that was to be, and nothing was told."""
        info = self.settled()
        equal("status", info["status"], "completed")
        equal("left", info["remaining"], 0)
        equal("failed", info["failed"], 0)
        equal("error", info.get("error"), None)
        equal("errors", self.errors(), "")
        return info

    def migrated(self):
        """Waits until an outgoing migration has ended; its status."""
        return wait_until(
            "the migration ends", lambda: self.qmp("query-migrate"),
            lambda info: info.get("status") in ("completed", "failed", "cancelled"))

    def verified(self):
        """Lets the guest verify its memory; returns the faults of that."""
        result, faults = self.command_and_faults("v")
        equal("words that are wrong", result.wrong, 0)
        return faults

    def full_speed(self):
        """No limit that an outgoing migration would meet."""
        self.qmp("migrate-set-parameters", max_bandwidth=10 << 30)

    def running(self):
        wait_until("the guest runs here",
                   lambda: self.qmp("query-status")["status"] == "running")


def device_has(driver, name):
    """Whether this QEMU's device has the property."""
    text = subprocess.run([QEMU, "-device", driver + ",help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return re.search(r"^\s*%s=" % re.escape(name), text, re.M) is not None


def huge_pages(value):
    """Whether memory comes as transparent huge pages from now on."""
    with open("/sys/kernel/mm/transparent_hugepage/enabled", "w") as file:
        file.write(value)


def new_uri():
    return "unix:" + tempfile.mkdtemp() + "/migration"


def arrived(source, destination):
    """The migration that was begun ends well."""
    equal("migration", source.migrated()["status"], "completed")
    destination.running()


def load_verified(vm):
    """Ends the guest's command 'l', which has compared all that it wrote."""
    vm.send("v")
    result = vm.result()
    equal("command", result.command, "l")
    equal("words that are wrong", result.wrong, 0)


def save(path, machine="microvm", memory="64M"):
    """A guest that has written to all of its memory, in a file."""
    with Vm(machine=machine, memory=memory).ready() as vm:
        vm.command("f")
        vm.full_speed()
        vm.qmp("migrate", uri="exec:cat >" + path)
        equal("migration", vm.migrated()["status"], "completed")


def set_of(*ranges):
    """The text of a working set's file, see kvm-working-set(5)."""
    text = "kvm-working-set 1 page-size %d\n" % PAGE
    text += "".join("0x%x 0x%x\n" % pair for pair in ranges)
    return text + "ranges %d bytes %d crc32 0x%08x\n" % (
        len(ranges), sum(size for _, size in ranges), zlib.crc32(text.encode()))


def pair(accel, machine, capabilities=(), memory="32M"):
    """Source and destination of a migration, and the address of the latter."""
    uri = new_uri()
    source = Vm("", machine, memory)
    destination = Vm(accel, machine, memory, ["-incoming", "defer"])
    for vm in source, destination:
        vm.full_speed()
        vm.qmp("migrate-set-capabilities", capabilities=[
            {"capability": name, "state": True} for name in capabilities])
    destination.qmp("migrate-incoming", uri=uri)
    return source, destination, uri


class Plan:
    """TAP.  Each test is a function; an exception fails it."""

    def __init__(self):
        self.number = 0
        self.failures = 0
        if not os.path.exists("/dev/kvm"):
            print("1..0 # SKIP no KVM")
            sys.exit(4)
        huge_pages("never")
        for file in QEMU, GUEST:
            if not os.path.exists(file):
                print("Bail out! no %s: run 'make qemu' first" % file)
                sys.exit(1)

    def test(self, what, function, *arguments):
        self.number += 1
        try:
            function(*arguments)
            print("ok %d - %s" % (self.number, what), flush=True)
        except Exception as error:
            self.failures += 1
            print("not ok %d - %s" % (self.number, what))
            text = str(error) if isinstance(error, Failure) else \
                traceback.format_exc()
            for line in text.splitlines():
                print("# " + line, flush=True)

    def skip(self, what, why):
        self.number += 1
        print("ok %d - %s # SKIP %s" % (self.number, what, why), flush=True)

    def end(self):
        print("1..%d" % self.number)
        sys.exit(self.failures != 0)


def equal(what, is_, wanted):
    if is_ != wanted:
        raise Failure("%s: %s, not %s" % (what, is_, wanted))


def true(what, condition):
    if not condition:
        raise Failure("not so: " + what)
