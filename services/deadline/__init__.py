"""deadline"""
