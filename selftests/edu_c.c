// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of samples/kalloc_edu.rs in C, to compare the two: for QEMU's edu device, with DMA, interrupts and a
 * character device, /dev/edu_c, which the same program (edu.c) drives.
 */

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>

/* Registers. Those of DMA are of 64 bits, of which the device uses 28. */
#define EDU_ID			0x00
#define EDU_INVERT		0x04
#define EDU_FACTORIAL		0x08
#define EDU_STATUS		0x20
#define EDU_INTERRUPTS		0x24
#define EDU_ACKNOWLEDGE		0x64
#define EDU_DMA_SOURCE		0x80
#define EDU_DMA_DESTINATION	0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_REGISTERS		0x100

#define EDU_ID_MASK		0xffff
#define EDU_ID_EDU		0x00ed

/* In EDU_STATUS: it computes; and it is to raise an interrupt when it has. */
#define EDU_COMPUTING		0x01
#define EDU_RAISE_INTERRUPT	0x80

/* In EDU_DMA_COMMAND: run, from the device, and an interrupt at the end. */
#define EDU_DMA_RUN		1
#define EDU_DMA_FROM_DEVICE	2
#define EDU_DMA_INTERRUPT	4

/* In EDU_INTERRUPTS: why. */
#define EDU_FACTORIAL_DONE	0x001
#define EDU_DMA_DONE		0x100
/* Not of the device: the driver takes it away. */
#define EDU_GONE		BIT(30)

/* Where the device has its memory, and how much. */
#define EDU_MEMORY		0x40000
#define EDU_SIZE		4096

/* The largest number whose factorial has 32 bits. */
#define EDU_LARGEST		12

#define EDU_GET_FACTORIAL	_IOWR('e', 1, u32)
#define EDU_GET_INVERSE		_IOWR('e', 2, u32)
#define EDU_GET_INTERRUPTS	_IOR('e', 3, u32)
#define EDU_CLEAR		_IO('e', 4)

/* What the hard half of the handler leaves to its thread. */
struct edu_interrupt {
	struct rcu_head rcu;
	u32 why;
};

/* A buffer that the device has still when its file gives up. It stays mapped until the device cannot reach it any more. */
struct edu_kept {
	struct list_head list;
	void *data;
	dma_addr_t bus;
	size_t len;
	enum dma_data_direction dir;
};

/* Of the device and of each open file, which may stay open longer than the device is there. */
struct edu {
	struct kref refs;
	struct miscdevice misc;
	struct pci_dev *pdev;
	/* Of devres, and good until the device is gone. */
	void __iomem *bar;
	void *buffer;
	dma_addr_t bus;
	/* Whoever has it has the device alone, and has looked whether it is gone. */
	struct mutex lock;
	bool gone;
	/* With the lock, and after it in remove. */
	struct list_head kept;
	/* What has happened since it was looked at last. */
	atomic_t came;
	wait_queue_head_t changed;
	/* From the hard half of the handler to its thread. */
	atomic_t pending;
	struct edu_interrupt __rcu *latest;
	/* How many interrupts there were. */
	atomic_t interrupts;
};

static void edu_release(struct kref *refs)
{
	struct edu *edu = container_of(refs, struct edu, refs);

	kfree(rcu_dereference_protected(edu->latest, true));
	mutex_destroy(&edu->lock);
	kfree(edu);
}

static void edu_put(void *edu)
{
	kref_put(&((struct edu *)edu)->refs, edu_release);
}

/* A hard interrupt, or on PREEMPT_RT a thread. */
static irqreturn_t edu_handle(int irq, void *data)
{
	struct edu *edu = data;
	struct edu_interrupt *interrupt, *old;
	u32 why = readl(edu->bar + EDU_INTERRUPTS);

	if (!why)
		return IRQ_NONE;
	writel(why, edu->bar + EDU_ACKNOWLEDGE);
	atomic_or(why, &edu->pending);
	interrupt = kmalloc_obj(*interrupt, GFP_ATOMIC);
	if (interrupt) {
		interrupt->why = why;
		/* Nobody else writes it: a handler does not run twice at once. */
		old = rcu_replace_pointer(edu->latest, interrupt, true);
		kfree_rcu(old, rcu);
	}
	return IRQ_WAKE_THREAD;
}

/* Process context: wakes who waits. */
static irqreturn_t edu_thread(int irq, void *data)
{
	struct edu *edu = data;
	struct edu_interrupt *latest;
	u32 why = 0;

	rcu_read_lock();
	latest = rcu_dereference(edu->latest);
	if (latest)
		why = latest->why;
	rcu_read_unlock();
	if (why)
		atomic_inc(&edu->interrupts);
	atomic_or(atomic_xchg(&edu->pending, 0), &edu->came);
	wake_up_all(&edu->changed);
	return IRQ_HANDLED;
}

/* Waits until one of the events has come. */
static int edu_wait(struct edu *edu, int event)
{
	long left = wait_event_interruptible_timeout(edu->changed, atomic_read(&edu->came) & (event | EDU_GONE), 5 * HZ);

	if (left < 0)
		return left;
	if (atomic_read(&edu->came) & EDU_GONE)
		return -ENODEV;
	if (!left)
		return -ETIMEDOUT;
	atomic_andnot(event, &edu->came);
	return 0;
}

static bool edu_is_quiet(struct edu *edu)
{
	return !(readl(edu->bar + EDU_DMA_COMMAND) & EDU_DMA_RUN);
}

/* Waits until the device has done what a program that was interrupted did not wait for. */
static int edu_idle(struct edu *edu, int event)
{
	bool idle;
	int err;

	err = read_poll_timeout(edu_is_quiet, idle, idle && !(readl(edu->bar + EDU_STATUS) & EDU_COMPUTING),
				1000, 5000000, false, edu);
	if (err)
		return -EBUSY;
	atomic_andnot(event, &edu->came);
	return 0;
}

static int edu_factorial(struct edu *edu, u32 *number)
{
	int err;

	if (*number > EDU_LARGEST)
		return -EINVAL;
	err = edu_idle(edu, EDU_FACTORIAL_DONE);
	if (err)
		return err;
	writel(EDU_RAISE_INTERRUPT, edu->bar + EDU_STATUS);
	writel(*number, edu->bar + EDU_FACTORIAL);
	err = edu_wait(edu, EDU_FACTORIAL_DONE);
	if (err)
		return err;
	/* What came may have been of a program that was interrupted. */
	err = edu_idle(edu, EDU_FACTORIAL_DONE);
	if (err)
		return err;
	*number = readl(edu->bar + EDU_FACTORIAL);
	return 0;
}

/* Lets the device copy, and waits until it has. */
static int edu_transfer(struct edu *edu, dma_addr_t source, dma_addr_t destination, size_t len, u32 command)
{
	int err, waited;

	err = edu_idle(edu, EDU_DMA_DONE);
	if (err)
		return err;
	dma_wmb();
	/* The addresses have 28 bits, by the mask. */
	writel(source, edu->bar + EDU_DMA_SOURCE);
	writel(destination, edu->bar + EDU_DMA_DESTINATION);
	writel(len, edu->bar + EDU_DMA_COUNT);
	writel(command | EDU_DMA_RUN | EDU_DMA_INTERRUPT, edu->bar + EDU_DMA_COMMAND);
	waited = edu_wait(edu, EDU_DMA_DONE);
	/* A program that is interrupted waits for the device, too. */
	err = edu_idle(edu, EDU_DMA_DONE);
	dma_rmb();
	return err ?: waited;
}

/* Copies between its memory and a buffer that is mapped for it. With -EBUSY it has that still: the caller must not free it. */
static int edu_copy(struct edu *edu, size_t at, void *data, size_t len, enum dma_data_direction dir)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t place = EDU_MEMORY + at;
	struct edu_kept *kept;
	dma_addr_t bus;
	int err;

	/* Asked for before the device is told: after that there is no way to fail. */
	kept = kmalloc_obj(*kept);
	if (!kept)
		return -ENOMEM;
	bus = dma_map_single(dev, data, len, dir);
	if (dma_mapping_error(dev, bus)) {
		kfree(kept);
		return -EIO;
	}
	if (dir == DMA_TO_DEVICE)
		err = edu_transfer(edu, bus, place, len, 0);
	else
		err = edu_transfer(edu, place, bus, len, EDU_DMA_FROM_DEVICE);
	if (!edu_is_quiet(edu)) {
		*kept = (struct edu_kept){ .data = data, .bus = bus, .len = len, .dir = dir };
		list_add(&kept->list, &edu->kept);
		return -EBUSY;
	}
	kfree(kept);
	dma_unmap_single(dev, bus, len, dir);
	/* It is quiet now. */
	return err == -EBUSY ? -EIO : err;
}

/* Turns off bus mastering, and frees what the device had still. What devm gave goes after this. */
static void edu_stop(struct edu *edu)
{
	struct edu_kept *kept, *next;

	pci_clear_master(edu->pdev);
	list_for_each_entry_safe(kept, next, &edu->kept, list) {
		dma_unmap_single(&edu->pdev->dev, kept->bus, kept->len, kept->dir);
		kfree(kept->data);
		kfree(kept);
	}
}

/* Copies through the device's memory, by memory that both see at once, and computes. */
static int edu_is_well(struct edu *edu)
{
	static const char data[] = "kalloc and edu";
	char back[sizeof(data)];
	size_t out = 0, back_at = EDU_SIZE / 2;
	u32 number = 5;
	int err;

	memcpy(edu->buffer + out, data, sizeof(data));
	err = edu_transfer(edu, edu->bus + out, EDU_MEMORY, sizeof(data), 0);
	if (err)
		return err;
	err = edu_transfer(edu, EDU_MEMORY, edu->bus + back_at, sizeof(data), EDU_DMA_FROM_DEVICE);
	if (err)
		return err;
	memcpy(back, edu->buffer + back_at, sizeof(data));
	err = edu_factorial(edu, &number);
	if (err)
		return err;
	return memcmp(back, data, sizeof(data)) || number != 120 ? -EIO : 0;
}

/* The device, alone, for as long as it is there. */
static int edu_enter(struct edu *edu)
{
	if (mutex_lock_interruptible(&edu->lock))
		return -ERESTARTSYS;
	if (!edu->gone)
		return 0;
	mutex_unlock(&edu->lock);
	return -ENODEV;
}

static void edu_leave(struct edu *edu)
{
	mutex_unlock(&edu->lock);
}

/* A buffer for DMA. With 28 address lines the device reaches the lowest 256 MiB, where the kernel has a zone of 16. */
static void *edu_room(size_t len)
{
	return kzalloc(len, GFP_KERNEL | GFP_DMA);
}

static int edu_open(struct inode *inode, struct file *file)
{
	/* misc_open() has a mutex that misc_deregister() wants, so the device has its reference still. */
	struct edu *edu = container_of(file->private_data, struct edu, misc);

	kref_get(&edu->refs);
	file->private_data = edu;
	return 0;
}

static int edu_close(struct inode *inode, struct file *file)
{
	edu_put(file->private_data);
	return 0;
}

static ssize_t edu_read_iter(struct kiocb *kiocb, struct iov_iter *to)
{
	struct edu *edu = kiocb->ki_filp->private_data;
	loff_t at = kiocb->ki_pos;
	size_t len, copied;
	void *data;
	int err;

	if (at < 0 || at > EDU_SIZE)
		return -EINVAL;
	len = min_t(size_t, iov_iter_count(to), EDU_SIZE - at);
	if (!len)
		return 0;
	data = edu_room(len);
	if (!data)
		return -ENOMEM;
	err = edu_enter(edu);
	if (err)
		goto free;
	err = edu_copy(edu, at, data, len, DMA_FROM_DEVICE);
	edu_leave(edu);
	if (err == -EBUSY)
		return err;
	if (err)
		goto free;
	copied = copy_to_iter(data, len, to);
	kfree(data);
	if (!copied)
		return -EFAULT;
	kiocb->ki_pos += copied;
	return copied;

free:
	kfree(data);
	return err;
}

static ssize_t edu_write_iter(struct kiocb *kiocb, struct iov_iter *from)
{
	struct edu *edu = kiocb->ki_filp->private_data;
	size_t len = iov_iter_count(from);
	loff_t at = kiocb->ki_pos;
	void *data;
	int err;

	if (at < 0 || at > EDU_SIZE || len > EDU_SIZE - at)
		return -EINVAL;
	if (!len)
		return 0;
	data = edu_room(len);
	if (!data)
		return -ENOMEM;
	err = -EFAULT;
	if (!copy_from_iter_full(data, len, from))
		goto free;
	err = edu_enter(edu);
	if (err)
		goto free;
	err = edu_copy(edu, at, data, len, DMA_TO_DEVICE);
	edu_leave(edu);
	if (err == -EBUSY)
		return err;
	if (err)
		goto free;
	kfree(data);
	kiocb->ki_pos += len;
	return len;

free:
	kfree(data);
	return err;
}

static int edu_clear(struct edu *edu)
{
	void *zeros = edu_room(EDU_SIZE);
	int err;

	if (!zeros)
		return -ENOMEM;
	err = edu_enter(edu);
	if (!err) {
		err = edu_copy(edu, 0, zeros, EDU_SIZE, DMA_TO_DEVICE);
		edu_leave(edu);
	}
	if (err != -EBUSY)
		kfree(zeros);
	return err;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct edu *edu = file->private_data;
	u32 __user *user = (u32 __user *)arg;
	u32 number;
	int err;

	switch (cmd) {
	case EDU_GET_FACTORIAL:
	case EDU_GET_INVERSE:
		if (get_user(number, user))
			return -EFAULT;
		break;
	case EDU_GET_INTERRUPTS:
		break;
	case EDU_CLEAR:
		if (!(file->f_mode & FMODE_WRITE))
			return -EPERM;
		return edu_clear(edu);
	default:
		return -ENOTTY;
	}

	err = edu_enter(edu);
	if (err)
		return err;
	switch (cmd) {
	case EDU_GET_FACTORIAL:
		err = edu_factorial(edu, &number);
		break;
	case EDU_GET_INVERSE:
		writel(number, edu->bar + EDU_INVERT);
		number = readl(edu->bar + EDU_INVERT);
		break;
	case EDU_GET_INTERRUPTS:
		number = atomic_read(&edu->interrupts);
		break;
	}
	edu_leave(edu);
	if (err)
		return err;
	return put_user(number, user);
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_close,
	.read_iter = edu_read_iter,
	.write_iter = edu_write_iter,
	.llseek = default_llseek,
	.unlocked_ioctl = edu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct edu *edu;
	int err;

	edu = kzalloc_obj(*edu);
	if (!edu)
		return -ENOMEM;
	kref_init(&edu->refs);
	mutex_init(&edu->lock);
	init_waitqueue_head(&edu->changed);
	INIT_LIST_HEAD(&edu->kept);
	edu->pdev = pdev;
	/* The first of what devres has to undo, so that it is the last: the interrupt handler uses it. */
	err = devm_add_action_or_reset(dev, edu_put, edu);
	if (err)
		return err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	pci_set_master(pdev);
	/* The device has 28 address lines. */
	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(28));
	if (err)
		return err;
	if (pci_resource_len(pdev, 0) < EDU_REGISTERS)
		return -EINVAL;
	edu->bar = pcim_iomap_region(pdev, 0, "edu_c");
	if (IS_ERR(edu->bar))
		return PTR_ERR(edu->bar);
	if ((readl(edu->bar + EDU_ID) & EDU_ID_MASK) != EDU_ID_EDU) {
		dev_err(dev, "the device says it is %#x\n", readl(edu->bar + EDU_ID));
		return -ENODEV;
	}
	edu->buffer = dmam_alloc_coherent(dev, EDU_SIZE, &edu->bus, GFP_KERNEL);
	if (!edu->buffer)
		return -ENOMEM;

	/* pcim_enable_device() has devres free them, though nothing here says so. */
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (err < 0)
		return err;
	err = devm_request_threaded_irq(dev, pci_irq_vector(pdev, 0), edu_handle, edu_thread, IRQF_SHARED, "edu_c", edu);
	if (err)
		return err;
	err = edu_is_well(edu);
	if (err) {
		dev_err(dev, "the device does not do what it should\n");
		goto stop;
	}

	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = "edu_c";
	edu->misc.fops = &edu_fops;
	edu->misc.parent = dev;
	pci_set_drvdata(pdev, edu);
	err = misc_register(&edu->misc);
	if (err)
		goto stop;
	dev_info(dev, "DMA and interrupts work\n");
	return 0;

stop:
	edu_stop(edu);
	return err;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	misc_deregister(&edu->misc);
	/* Whoever waits stops. */
	atomic_or(EDU_GONE, &edu->came);
	wake_up_all(&edu->changed);
	/* Whoever is with the device leaves, and nobody comes after: what it uses is freed when this returns. */
	mutex_lock(&edu->lock);
	edu->gone = true;
	mutex_unlock(&edu->lock);
	edu_idle(edu, 0);
	edu_stop(edu);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver edu_driver = {
	.name = "edu_c",
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("kalloc tests: the sample driver kalloc_edu, in C");
MODULE_LICENSE("GPL");
