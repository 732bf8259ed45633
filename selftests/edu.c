// SPDX-License-Identifier: GPL-2.0
/*
 * usage: edu /dev/kalloc_edu		drive the device as a program would, and as a program should not, and print KTAP
 *        edu /dev/kalloc_edu NUMBER	show what it makes of a number, and of DMA
 *
 * /dev/kalloc_edu is that of samples/kalloc_edu.ko; or /dev/edu_c, of the driver in C.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EDU_FACTORIAL _IOWR('e', 1, uint32_t)
#define EDU_INVERT _IOWR('e', 2, uint32_t)
#define EDU_INTERRUPTS _IOR('e', 3, uint32_t)
#define EDU_CLEAR _IO('e', 4)
#define SIZE 4096

static int number, failed;
static const char *path;
static int fd;

static void check(const char *what, int right)
{
	printf("%sok %d %s\n", right ? "" : "not ", ++number, what);
	if (!right) {
		printf("# errno %d (%s)\n", errno, strerror(errno));
		failed = 1;
	}
	fflush(stdout);
}

/* Whether a call failed for that reason. */
static int fails(long result, int reason)
{
	return result == -1 && errno == reason;
}

static int factorial(uint32_t n, uint32_t wanted)
{
	return !ioctl(fd, EDU_FACTORIAL, &n) && n == wanted;
}

static void fill(unsigned char *data, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = seed = seed * 1103515245 + 12345 + i;
}

/* Writes so many bytes to the device and reads them back. */
static int round_trip(size_t len, off_t at, unsigned int seed)
{
	unsigned char out[SIZE], in[SIZE];

	fill(out, len, seed);
	memset(in, 0, sizeof(in));
	return pwrite(fd, out, len, at) == (ssize_t)len && pread(fd, in, len, at) == (ssize_t)len &&
	       !memcmp(in, out, len);
}

static int many_processes(void)
{
	int status, right = 1;

	for (int i = 0; i < 4; i++) {
		if (fork())
			continue;
		for (int j = 0; j < 3; j++)
			if (!round_trip(512, i * 512, i * 10 + j) || !factorial(5, 120))
				_exit(1);
		_exit(0);
	}
	while (wait(&status) > 0)
		right &= WIFEXITED(status) && !WEXITSTATUS(status);
	return right;
}

static int show(uint32_t n)
{
	char text[] = "there and back", back[sizeof(text)];
	uint32_t result = n;

	if (fd < 0 || ioctl(fd, EDU_FACTORIAL, &result) || pwrite(fd, text, sizeof(text), 0) != sizeof(text) ||
	    pread(fd, back, sizeof(back), 0) != sizeof(back)) {
		perror(path);
		return 1;
	}
	printf("%s: %u! = %u\n%s: DMA: %.*s\n", path, n, result, path, (int)sizeof(back), back);
	return 0;
}

int main(int argc, char **argv)
{
	static char buffer[2 * SIZE];
	void *volatile somewhere = (void *)16;
	void *nowhere = somewhere, *readonly;
	uint32_t value, before, after;
	int reader;

	path = argc > 1 ? argv[1] : "/dev/kalloc_edu";
	fd = open(path, O_RDWR);
	if (argc > 2)
		return show(strtoul(argv[2], NULL, 0));
	printf("KTAP version 1\n1..22\n");
	check("the device opens", fd >= 0);
	if (fd < 0)
		return 1;
	reader = open(path, O_RDONLY);
	readonly = mmap(NULL, 2 * SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	value = 0x12345678;
	check("the device inverts a number", !ioctl(fd, EDU_INVERT, &value) && value == ~0x12345678u);
	check("a factorial", factorial(10, 3628800));
	check("the factorial of nothing", factorial(0, 1));
	check("the largest that fits", factorial(12, 479001600));
	value = 13;
	check("one that does not fit is EINVAL", fails(ioctl(fd, EDU_FACTORIAL, &value), EINVAL));
	before = after = 0;
	check("interrupts are counted", !ioctl(fd, EDU_INTERRUPTS, &before) && factorial(3, 6) &&
					!ioctl(fd, EDU_INTERRUPTS, &after) && after == before + 1);

	check("a page there and back", round_trip(SIZE, 0, 1));
	check("a part there and back", round_trip(100, 1000, 2));
	check("one byte there and back", round_trip(1, SIZE - 1, 3));
	check("the neighbours stay", round_trip(SIZE, 0, 4) && pwrite(fd, "x", 1, 7) == 1 &&
				     pread(fd, buffer, SIZE, 0) == SIZE && buffer[7] == 'x');
	check("nothing is nothing", pwrite(fd, buffer, 0, 0) == 0 && pread(fd, buffer, 0, 0) == 0);
	check("the end is the end", pread(fd, buffer, 10, SIZE) == 0);
	check("what is too long is EINVAL", fails(pwrite(fd, buffer, SIZE + 1, 0), EINVAL) &&
					    fails(pwrite(fd, buffer, 2, SIZE - 1), EINVAL));
	check("a read ends where the device does", pread(fd, buffer, SIZE, SIZE - 10) == 10);
	check("a place beyond is EINVAL", fails(pwrite(fd, buffer, 1, 1L << 40), EINVAL));
	check("a pointer to nowhere is EFAULT", fails(pwrite(fd, nowhere, 100, 0), EFAULT) &&
						fails(pread(fd, nowhere, 100, 0), EFAULT) &&
						fails(ioctl(fd, EDU_FACTORIAL, nowhere), EFAULT) &&
						fails(ioctl(fd, EDU_INTERRUPTS, readonly), EFAULT));
	munmap((char *)readonly + SIZE, SIZE);
	check("half a pointer is EFAULT", fails(pwrite(fd, (char *)readonly + SIZE - 10, 100, 0), EFAULT));
	check("no such command is ENOTTY", fails(ioctl(fd, _IO('e', 99)), ENOTTY) && fails(ioctl(fd, 0), ENOTTY));
	check("a reader must not clear: EPERM", reader >= 0 && fails(ioctl(reader, EDU_CLEAR), EPERM));
	check("a writer clears", round_trip(SIZE, 0, 6) && !ioctl(fd, EDU_CLEAR) && pread(fd, buffer, SIZE, 0) == SIZE &&
				 !buffer[0] && !memcmp(buffer, buffer + 1, SIZE - 1));
	check("four processes at once", many_processes());
	return failed;
}
