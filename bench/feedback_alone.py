"""complaints with each filing in a transaction of its own, for comparison."""

from services.complaints import main, taking

taking.TOGETHER = 1

if __name__ == "__main__":
    main.main()
