/* Says that it is there, and waits: what a small process takes of memory. */
#include <unistd.h>

int main(void)
{
    if (write(1, "here\n", 5) == 5)
        pause();
    return 1;
}
